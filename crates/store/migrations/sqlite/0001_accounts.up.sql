create table organizations (
    id text primary key,
    name text not null,
    external_id text unique,
    stripe_customer_id text unique,
    created_at integer not null
) strict;

create table users (
    id text primary key,
    email text not null unique check (email = lower(email)),
    name text not null,
    password_hash text,
    email_verified_at integer,
    created_at integer not null
) strict;

create table memberships (
    organization_id text not null references organizations (id) on delete cascade,
    user_id text not null references users (id) on delete cascade,
    role text not null check (role in ('admin', 'member', 'viewer')),
    created_at integer not null,
    primary key (organization_id, user_id)
) strict;
create index memberships_by_user on memberships (user_id);

create table sessions (
    id text primary key,
    user_id text not null references users (id) on delete cascade,
    organization_id text not null references organizations (id) on delete cascade,
    created_at integer not null,
    expires_at integer not null,
    revoked_at integer
) strict;
create index sessions_by_user on sessions (user_id);

create table email_verifications (
    token_hash text primary key,
    user_id text not null references users (id) on delete cascade,
    email text not null,
    expires_at integer not null,
    used_at integer
) strict;

create table plan_overrides (
    organization_id text primary key references organizations (id) on delete cascade,
    plan_id text not null,
    reason text not null,
    expires_at integer not null,
    created_by text not null,
    created_at integer not null
) strict;

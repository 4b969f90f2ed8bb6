create table api_keys (
    id text primary key,
    kind text not null check (kind in ('organization', 'product')),
    organization_id text references organizations (id) on delete cascade,
    name text not null,
    secret_hash text not null,
    scopes text not null,
    created_by text not null,
    created_at integer not null,
    expires_at integer,
    revoked_at integer,
    last_used_day integer,
    check ((kind = 'organization') = (organization_id is not null))
) strict;
create index api_keys_by_organization on api_keys (organization_id);

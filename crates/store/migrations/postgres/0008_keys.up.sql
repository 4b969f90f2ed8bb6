create table api_keys (
    id text primary key,
    kind text not null check (kind in ('organization', 'product')),
    organization_id text references organizations (id) on delete cascade,
    name text not null,
    secret_hash text not null,
    scopes text not null,
    created_by text not null,
    created_at bigint not null,
    expires_at bigint,
    revoked_at bigint,
    last_used_day bigint,
    check ((kind = 'organization') = (organization_id is not null))
);
create index api_keys_by_organization on api_keys (organization_id);

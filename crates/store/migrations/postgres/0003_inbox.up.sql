create table webhook_events (
    id text primary key,
    type text not null,
    api_version text,
    created bigint not null,
    livemode bigint not null check (livemode in (0, 1)),
    object_type text not null,
    object_id text,
    state text not null check (state in ('pending', 'claimed', 'applied', 'ignored', 'parked')),
    attempts bigint not null,
    due_at bigint,
    lease_until bigint,
    received_at bigint not null,
    finished_at bigint,
    reason_code text,
    reason_detail text,
    organization_id text,
    check ((state = 'pending') = (due_at is not null)),
    check ((state = 'claimed') = (lease_until is not null)),
    check ((state in ('applied', 'ignored', 'parked')) = (finished_at is not null)),
    check ((state = 'parked') = (reason_code is not null))
);
create index webhook_events_due on webhook_events (due_at) where state = 'pending';
create index webhook_events_leases on webhook_events (lease_until) where state = 'claimed';
create index webhook_events_parked on webhook_events (received_at) where state = 'parked';
create index webhook_events_received on webhook_events (received_at);

create table webhook_payloads (
    event_id text primary key references webhook_events (id) on delete cascade,
    body bytea not null
);

create table switches (
    name text primary key,
    value text not null,
    set_by text not null,
    set_at bigint not null
);

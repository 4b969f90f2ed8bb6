create table outbox (
    id text primary key,
    organization_id text,
    kind text not null,
    dedupe_key text not null unique,
    body text not null,
    state text not null check (state in ('pending', 'sent', 'parked')),
    attempts integer not null,
    due_at integer not null,
    created_at integer not null
) strict;
create index outbox_due on outbox (due_at) where state = 'pending';

create table audit_log (
    id text primary key,
    at integer not null,
    actor text not null,
    action text not null,
    target text not null,
    organization_id text,
    before text,
    after text,
    reason text
) strict;
create index audit_log_by_time on audit_log (at);

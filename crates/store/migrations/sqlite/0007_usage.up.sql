create table usage_counters (
    organization_id text not null references organizations (id) on delete cascade,
    feature_id text not null,
    period_start integer not null,
    period_end integer,
    used integer not null check (used >= 0),
    reserved integer not null check (reserved >= 0),
    told integer not null,
    updated_at integer not null,
    primary key (organization_id, feature_id, period_start)
) strict, without rowid;
create index usage_counters_by_end on usage_counters (period_end);

create table usage_days (
    organization_id text not null references organizations (id) on delete cascade,
    feature_id text not null,
    day integer not null,
    used integer not null,
    primary key (organization_id, feature_id, day)
) strict, without rowid;
create index usage_days_by_day on usage_days (day);

create table usage_events (
    organization_id text not null,
    feature_id text not null,
    idempotency_key text not null,
    act text not null check (act in ('consume', 'record')),
    quantity integer not null,
    used_after integer not null,
    reserved_after integer not null,
    period_start integer not null,
    at integer not null,
    primary key (organization_id, feature_id, idempotency_key)
) strict, without rowid;
create index usage_events_by_time on usage_events (at);

create table usage_reservations (
    id text primary key,
    organization_id text not null references organizations (id) on delete cascade,
    feature_id text not null,
    period_start integer not null,
    quantity integer not null check (quantity >= 0),
    state text not null check (state in ('held', 'confirmed', 'released', 'expired')),
    confirmed integer,
    created_at integer not null,
    expires_at integer not null
) strict;
create index usage_reservations_held on usage_reservations (expires_at) where state = 'held';
create index usage_reservations_ended on usage_reservations (expires_at) where state <> 'held';
create index usage_reservations_of_counter on usage_reservations
    (organization_id, feature_id, period_start) where state = 'held';

create table usage_alerts (
    organization_id text not null references organizations (id) on delete cascade,
    feature_id text not null,
    period_start integer not null,
    threshold integer not null,
    used integer not null,
    limit_value integer not null,
    at integer not null,
    dismissed_at integer,
    primary key (organization_id, feature_id, period_start, threshold)
) strict, without rowid;
create index usage_alerts_by_time on usage_alerts (at);

create table limit_overrides (
    organization_id text not null references organizations (id) on delete cascade,
    feature_id text not null,
    kind text not null check (kind in ('number', 'unlimited', 'disabled')),
    value integer check ((kind = 'number') = (value is not null)),
    reason text not null,
    expires_at integer not null,
    created_by text not null,
    created_at integer not null,
    primary key (organization_id, feature_id)
) strict, without rowid;

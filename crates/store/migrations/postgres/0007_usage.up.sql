create table usage_counters (
    organization_id text not null references organizations (id) on delete cascade,
    feature_id text not null,
    period_start bigint not null,
    period_end bigint,
    used bigint not null check (used >= 0),
    reserved bigint not null check (reserved >= 0),
    told bigint not null,
    updated_at bigint not null,
    primary key (organization_id, feature_id, period_start)
);
create index usage_counters_by_end on usage_counters (period_end);

create table usage_days (
    organization_id text not null references organizations (id) on delete cascade,
    feature_id text not null,
    day bigint not null,
    used bigint not null,
    primary key (organization_id, feature_id, day)
);
create index usage_days_by_day on usage_days (day);

create table usage_events (
    organization_id text not null,
    feature_id text not null,
    idempotency_key text not null,
    act text not null check (act in ('consume', 'record')),
    quantity bigint not null,
    used_after bigint not null,
    reserved_after bigint not null,
    period_start bigint not null,
    at bigint not null,
    primary key (organization_id, feature_id, idempotency_key)
);
create index usage_events_by_time on usage_events (at);

create table usage_reservations (
    id text primary key,
    organization_id text not null references organizations (id) on delete cascade,
    feature_id text not null,
    period_start bigint not null,
    quantity bigint not null check (quantity >= 0),
    state text not null check (state in ('held', 'confirmed', 'released', 'expired')),
    confirmed bigint,
    created_at bigint not null,
    expires_at bigint not null
);
create index usage_reservations_held on usage_reservations (expires_at) where state = 'held';
create index usage_reservations_ended on usage_reservations (expires_at) where state <> 'held';
create index usage_reservations_of_counter on usage_reservations
    (organization_id, feature_id, period_start) where state = 'held';

create table usage_alerts (
    organization_id text not null references organizations (id) on delete cascade,
    feature_id text not null,
    period_start bigint not null,
    threshold bigint not null,
    used bigint not null,
    limit_value bigint not null,
    at bigint not null,
    dismissed_at bigint,
    primary key (organization_id, feature_id, period_start, threshold)
);
create index usage_alerts_by_time on usage_alerts (at);

create table limit_overrides (
    organization_id text not null references organizations (id) on delete cascade,
    feature_id text not null,
    kind text not null check (kind in ('number', 'unlimited', 'disabled')),
    value bigint check ((kind = 'number') = (value is not null)),
    reason text not null,
    expires_at bigint not null,
    created_by text not null,
    created_at bigint not null,
    primary key (organization_id, feature_id)
);

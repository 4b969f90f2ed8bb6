create table stripe_intents (
    id text primary key,
    organization_id text not null references organizations (id),
    kind text not null,
    target text not null,
    idempotency_key text not null unique,
    params text not null,
    state text not null check (state in ('open', 'done', 'failed')),
    result_id text,
    error_code text,
    created_at bigint not null,
    finished_at bigint,
    check ((state = 'open') = (finished_at is null))
);
create unique index stripe_intents_one_open on stripe_intents (kind, target) where state = 'open';
create index stripe_intents_by_organization on stripe_intents (organization_id, created_at);

create table checkout_sessions (
    id text primary key,
    organization_id text not null references organizations (id),
    user_id text,
    intent_id text not null unique references stripe_intents (id),
    plan_id text not null,
    billing_interval text not null check (billing_interval in ('monthly', 'yearly')),
    url text,
    state text not null check (state in ('open', 'complete', 'expired')),
    subscription_id text,
    created_at bigint not null,
    expires_at bigint not null
);
create unique index checkout_sessions_one_open on checkout_sessions (organization_id)
    where state = 'open';

create table scheduled_changes (
    subscription_id text primary key,
    organization_id text not null references organizations (id),
    schedule_id text not null,
    price_id text,
    starts_at bigint,
    read_at bigint not null,
    check ((price_id is null) = (starts_at is null))
);

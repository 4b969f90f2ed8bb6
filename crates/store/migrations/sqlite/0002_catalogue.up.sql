create table subscription_plans (
    id text primary key,
    name text not null,
    description text not null,
    rank integer not null,
    active integer not null check (active in (0, 1))
) strict;

create table plan_limits (
    plan_id text not null references subscription_plans (id) on delete cascade,
    feature_id text not null,
    kind text not null check (kind in ('number', 'unlimited', 'disabled')),
    value integer check ((kind = 'number') = (value is not null)),
    primary key (plan_id, feature_id)
) strict;

create table plan_prices (
    plan_id text not null references subscription_plans (id) on delete cascade,
    billing_interval text not null check (billing_interval in ('monthly', 'yearly')),
    currency text not null,
    amount_minor integer not null,
    stripe_price_id text,
    primary key (plan_id, billing_interval, currency)
) strict;

create table customers (
    id text primary key,
    organization_id text not null references organizations (id),
    email text,
    name text,
    deleted integer not null check (deleted in (0, 1)),
    default_payment_method text,
    raw blob not null,
    as_of_from integer not null,
    as_of_to integer not null,
    version integer not null
) strict;
create index customers_by_organization on customers (organization_id);

create table subscriptions (
    id text primary key,
    organization_id text not null references organizations (id),
    customer_id text not null,
    status text not null,
    item_id text,
    price_id text,
    quantity integer not null,
    created_at integer not null,
    period_start integer,
    period_end integer,
    start_date integer,
    cancel_at_period_end integer not null check (cancel_at_period_end in (0, 1)),
    cancel_at integer,
    ended_at integer,
    trial_end integer,
    latest_invoice_id text,
    default_payment_method text,
    schedule_id text,
    raw blob not null,
    as_of_from integer not null,
    as_of_to integer not null,
    version integer not null
) strict;
create index subscriptions_by_organization on subscriptions (organization_id);

create table invoices (
    id text primary key,
    organization_id text not null references organizations (id),
    customer_id text not null,
    subscription_id text,
    number text,
    status text not null,
    billing_reason text,
    currency text not null,
    total_minor integer not null,
    amount_due_minor integer not null,
    amount_paid_minor integer not null,
    attempt_count integer not null,
    next_payment_attempt integer,
    created_at integer not null,
    period_start integer,
    period_end integer,
    paid_at integer,
    hosted_invoice_url text,
    invoice_pdf text,
    raw blob not null,
    as_of_from integer not null,
    as_of_to integer not null,
    version integer not null
) strict;
create index invoices_by_organization on invoices (organization_id, created_at);
create index invoices_open on invoices (organization_id) where status = 'open';

create table charges (
    id text primary key,
    organization_id text not null references organizations (id),
    customer_id text,
    payment_intent_id text,
    status text not null,
    currency text not null,
    amount_minor integer not null,
    amount_refunded_minor integer not null,
    disputed integer not null check (disputed in (0, 1)),
    failure_code text,
    card_brand text,
    card_last4 text,
    card_fingerprint text,
    created_at integer not null,
    raw blob not null,
    as_of_from integer not null,
    as_of_to integer not null,
    version integer not null
) strict;
create index charges_by_organization on charges (organization_id, created_at);

create table refunds (
    id text primary key,
    organization_id text not null references organizations (id),
    charge_id text,
    status text not null,
    reason text,
    currency text not null,
    amount_minor integer not null,
    created_at integer not null,
    raw blob not null,
    as_of_from integer not null,
    as_of_to integer not null,
    version integer not null
) strict;
create index refunds_by_organization on refunds (organization_id, created_at);

create table disputes (
    id text primary key,
    organization_id text not null references organizations (id),
    charge_id text not null,
    status text not null,
    reason text not null,
    currency text not null,
    amount_minor integer not null,
    due_by integer,
    submission_count integer not null,
    created_at integer not null,
    raw blob not null,
    as_of_from integer not null,
    as_of_to integer not null,
    version integer not null
) strict;
create index disputes_by_organization on disputes (organization_id, created_at);

create table fraud_warnings (
    id text primary key,
    organization_id text not null references organizations (id),
    charge_id text not null,
    fraud_type text not null,
    actionable integer not null check (actionable in (0, 1)),
    created_at integer not null,
    raw blob not null,
    as_of_from integer not null,
    as_of_to integer not null,
    version integer not null
) strict;
create index fraud_warnings_by_organization on fraud_warnings (organization_id, created_at);

create table entitlements (
    organization_id text primary key references organizations (id) on delete cascade,
    plan_id text not null,
    status text not null check (status in
        ('FREE', 'ACTIVE', 'TRIALING', 'PAST_DUE', 'CANCELLED', 'INCOMPLETE', 'UNPAID', 'PAUSED')),
    is_active integer not null check (is_active in (0, 1)),
    billing_interval text check (billing_interval in ('monthly', 'yearly')),
    subscription_id text,
    surplus text not null,
    because_fact text not null,
    because_detail text not null,
    period_start integer not null,
    period_end integer not null,
    valid_until integer,
    changed_at integer not null,
    version integer not null
) strict;
create index entitlements_expiring on entitlements (valid_until) where valid_until is not null;
create index entitlements_surplus on entitlements (organization_id) where surplus <> '';

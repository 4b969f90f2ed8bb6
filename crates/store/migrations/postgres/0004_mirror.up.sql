create table customers (
    id text primary key,
    organization_id text not null references organizations (id),
    email text,
    name text,
    deleted bigint not null check (deleted in (0, 1)),
    default_payment_method text,
    raw bytea not null,
    as_of_from bigint not null,
    as_of_to bigint not null,
    version bigint not null
);
create index customers_by_organization on customers (organization_id);

create table subscriptions (
    id text primary key,
    organization_id text not null references organizations (id),
    customer_id text not null,
    status text not null,
    item_id text,
    price_id text,
    quantity bigint not null,
    created_at bigint not null,
    period_start bigint,
    period_end bigint,
    start_date bigint,
    cancel_at_period_end bigint not null check (cancel_at_period_end in (0, 1)),
    cancel_at bigint,
    ended_at bigint,
    trial_end bigint,
    latest_invoice_id text,
    default_payment_method text,
    schedule_id text,
    raw bytea not null,
    as_of_from bigint not null,
    as_of_to bigint not null,
    version bigint not null
);
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
    total_minor bigint not null,
    amount_due_minor bigint not null,
    amount_paid_minor bigint not null,
    attempt_count bigint not null,
    next_payment_attempt bigint,
    created_at bigint not null,
    period_start bigint,
    period_end bigint,
    paid_at bigint,
    hosted_invoice_url text,
    invoice_pdf text,
    raw bytea not null,
    as_of_from bigint not null,
    as_of_to bigint not null,
    version bigint not null
);
create index invoices_by_organization on invoices (organization_id, created_at);
create index invoices_open on invoices (organization_id) where status = 'open';

create table charges (
    id text primary key,
    organization_id text not null references organizations (id),
    customer_id text,
    payment_intent_id text,
    status text not null,
    currency text not null,
    amount_minor bigint not null,
    amount_refunded_minor bigint not null,
    disputed bigint not null check (disputed in (0, 1)),
    failure_code text,
    card_brand text,
    card_last4 text,
    card_fingerprint text,
    created_at bigint not null,
    raw bytea not null,
    as_of_from bigint not null,
    as_of_to bigint not null,
    version bigint not null
);
create index charges_by_organization on charges (organization_id, created_at);

create table refunds (
    id text primary key,
    organization_id text not null references organizations (id),
    charge_id text,
    status text not null,
    reason text,
    currency text not null,
    amount_minor bigint not null,
    created_at bigint not null,
    raw bytea not null,
    as_of_from bigint not null,
    as_of_to bigint not null,
    version bigint not null
);
create index refunds_by_organization on refunds (organization_id, created_at);

create table disputes (
    id text primary key,
    organization_id text not null references organizations (id),
    charge_id text not null,
    status text not null,
    reason text not null,
    currency text not null,
    amount_minor bigint not null,
    due_by bigint,
    submission_count bigint not null,
    created_at bigint not null,
    raw bytea not null,
    as_of_from bigint not null,
    as_of_to bigint not null,
    version bigint not null
);
create index disputes_by_organization on disputes (organization_id, created_at);

create table fraud_warnings (
    id text primary key,
    organization_id text not null references organizations (id),
    charge_id text not null,
    fraud_type text not null,
    actionable bigint not null check (actionable in (0, 1)),
    created_at bigint not null,
    raw bytea not null,
    as_of_from bigint not null,
    as_of_to bigint not null,
    version bigint not null
);
create index fraud_warnings_by_organization on fraud_warnings (organization_id, created_at);

create table entitlements (
    organization_id text primary key references organizations (id) on delete cascade,
    plan_id text not null,
    status text not null check (status in
        ('FREE', 'ACTIVE', 'TRIALING', 'PAST_DUE', 'CANCELLED', 'INCOMPLETE', 'UNPAID', 'PAUSED')),
    is_active bigint not null check (is_active in (0, 1)),
    billing_interval text check (billing_interval in ('monthly', 'yearly')),
    subscription_id text,
    surplus text not null,
    because_fact text not null,
    because_detail text not null,
    period_start bigint not null,
    period_end bigint not null,
    valid_until bigint,
    changed_at bigint not null,
    version bigint not null
);
create index entitlements_expiring on entitlements (valid_until) where valid_until is not null;
create index entitlements_surplus on entitlements (organization_id) where surplus <> '';

drop table entitlements;
drop table fraud_warnings;
drop table disputes;
drop table refunds;
drop table charges;
drop table invoices;
drop table subscriptions;
drop table customers;

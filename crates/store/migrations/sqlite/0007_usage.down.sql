drop table limit_overrides;
drop table usage_alerts;
drop table usage_reservations;
drop table usage_events;
drop table usage_days;
drop table usage_counters;

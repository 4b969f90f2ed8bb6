drop table switches;
drop table webhook_payloads;
drop table webhook_events;

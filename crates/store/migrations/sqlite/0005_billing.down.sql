drop table scheduled_changes;
drop table checkout_sessions;
drop table stripe_intents;

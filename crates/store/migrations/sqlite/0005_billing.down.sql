drop table checkout_sessions;
drop table stripe_intents;

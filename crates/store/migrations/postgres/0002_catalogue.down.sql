drop table plan_prices;
drop table plan_limits;
drop table subscription_plans;

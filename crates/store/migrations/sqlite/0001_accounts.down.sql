drop table plan_overrides;
drop table email_verifications;
drop table sessions;
drop table memberships;
drop table users;
drop table organizations;

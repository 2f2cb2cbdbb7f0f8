-- expect: not-on-citus 2:40
CREATE RULE users_keep AS ON DELETE TO users DO INSTEAD NOTHING;

-- expect: not-on-citus 2:13
ALTER TABLE workflows ALTER COLUMN name SET STATISTICS 1000;

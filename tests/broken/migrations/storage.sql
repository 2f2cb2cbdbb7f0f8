-- expect: not-on-citus 2:13
ALTER TABLE workflows ALTER COLUMN workflow_data SET STORAGE EXTERNAL;

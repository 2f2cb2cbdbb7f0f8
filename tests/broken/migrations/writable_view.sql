-- expect: not-on-citus 3:50
CREATE VIEW people AS SELECT id FROM users;
CREATE TRIGGER people_write INSTEAD OF INSERT ON people
    FOR EACH ROW EXECUTE FUNCTION wfstore_touch_updated_at();

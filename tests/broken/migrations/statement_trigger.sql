-- expect: trigger 2:44
CREATE TRIGGER users_count AFTER INSERT ON users
    FOR EACH STATEMENT EXECUTE FUNCTION wfstore_touch_updated_at();

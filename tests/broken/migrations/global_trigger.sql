-- expect: trigger 2:47
CREATE TRIGGER tenants_touch BEFORE UPDATE ON tenants
    FOR EACH ROW EXECUTE FUNCTION wfstore_touch_updated_at();

-- expect: policy-sub-select 3:15
CREATE POLICY users_active ON users USING (
    tenant_id IN (SELECT id FROM tenants)
);

-- expect: tenant-key 5:5
CREATE TABLE walks (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    CONSTRAINT walks_user_fkey FOREIGN KEY (user_id) REFERENCES users (id)
);

-- expect: foreign-key-action 5:5
CREATE TABLE meals (
    tenant_id uuid NOT NULL,
    user_id uuid,
    CONSTRAINT meals_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE SET NULL
);

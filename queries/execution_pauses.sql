-- Queues and workflows of which nothing is handed out.

-- name: create(kind, name, reason, tenant_id)!
-- Pause a queue or a workflow; one that is paused already stays so.
-- returns: int
-- repeat: safe
INSERT INTO execution_pauses (tenant_id, kind, name, reason)
VALUES (:tenant_id, :kind, :name, :reason)
ON CONFLICT (tenant_id, kind, name) DO NOTHING;

-- name: delete(kind, name, tenant_id)!
-- End a pause. What a claim has parked for it is made ready by `unpark`.
-- returns: int
-- repeat: safe
DELETE FROM execution_pauses
WHERE tenant_id = :tenant_id
    AND kind = :kind
    AND name = :name;

-- name: page(after_kind, after_name, limit, tenant_id)
-- Pauses by kind and name.
-- returns: ExecutionPause  rows: 0..limit
SELECT tenant_id, kind, name, reason, created_at
FROM execution_pauses
WHERE tenant_id = :tenant_id
    AND (kind, name) > (:after_kind, :after_name)
ORDER BY kind, name
LIMIT :limit;

-- name: unpark(tenant_id, workflow_id)
-- Make ready what was parked while a workflow was paused; in which queues that was.
-- returns: str     rows: one for each queue
-- allow: no-cap (the queues that one workflow is parked in)
-- index: execution_queue_paused_idx
-- repeat: safe
WITH unparked AS (
    UPDATE execution_queue
    SET ready = true,
        parked_by = NULL
    WHERE tenant_id = :tenant_id
        AND workflow_id = :workflow_id
        AND parked_by = 'WORKFLOW'
    RETURNING queue
)
SELECT DISTINCT unparked.queue
FROM unparked;

-- The pieces that history is kept in.

-- name: make(at)$
-- Make the partitions that hold this time, within 35 days of now; in a transaction of its own.
-- returns: str
-- raises: PartitionOutOfWindow
-- repeat: safe
SELECT wfstore_make_partition(:at::timestamptz);

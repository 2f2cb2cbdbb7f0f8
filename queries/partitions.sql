-- The pieces that history is kept in.

-- name: make(at)$
-- Make the partitions that hold this time, within 35 days of now; in a transaction of its own.
-- returns: str
-- raises: PartitionOutOfWindow
-- repeat: safe
-- not-null: wfstore_make_partition (it returns the suffix, or raises)
SELECT wfstore_make_partition(:at::timestamptz);

-- Grain: one line of a roster that the checkpoint does not know; at most one.
-- Columns: employee_id.
-- Inputs: employments_raw.
SELECT employee_id
FROM employments_raw
WHERE ingested_at > $base_people_known_at
  AND ingested_at <= $known_at
LIMIT 1

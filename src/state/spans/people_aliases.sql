-- Grain: one lower-cased text by which registers and rosters name a person.
-- Columns: alias, identity_id. A text that two people share is left out.
-- An address that somebody had in an older roster names them still, unless it is somebody's now: registers
-- are not rewritten when people marry or the company changes its domain.
-- Inputs: employments, roster_lines, employee_numbers.
WITH names AS (
  SELECT lower(identity_id) AS alias, identity_id, 1 AS rank FROM employments
  UNION ALL
  SELECT lower(employee_id), identity_id, 1 FROM employments
  UNION ALL
  SELECT lower(email), identity_id, 1 FROM employments WHERE email IS NOT NULL AND NOT former
  UNION ALL
  SELECT lower(r.email), p.identity_id, 2
  FROM roster_lines AS r
  JOIN employee_numbers AS p
    ON p.employee_id = r.employee_id
  WHERE r.email IS NOT NULL
    AND r.ingested_at <= $known_at
),
ranked AS (
  SELECT
    alias,
    identity_id,
    rank,
    min(rank) OVER (PARTITION BY alias) AS first_rank
  FROM names
)
SELECT alias, min(identity_id) AS identity_id
FROM ranked
WHERE rank = first_rank
GROUP BY alias
HAVING min(identity_id) = max(identity_id)

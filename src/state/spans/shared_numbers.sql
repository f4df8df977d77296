-- Grain: one employee number under which rosters of different feeds name different people: by another name and another
-- address in each. Two companies count from 1001 on.
-- Columns: employee_id.
-- Inputs: employments_raw, loads.
WITH lines AS (
  SELECT
    e.employee_id,
    l.feed,
    lower(trim(e.name)) AS name,
    lower(trim(e.email)) AS email,
    row_number() OVER (
      PARTITION BY e.employee_id, l.feed
      ORDER BY e.listed_at DESC, e.ingested_at DESC, e.listing_id DESC, e.name, e.email
    ) AS age
  FROM employments_raw AS e
  JOIN loads AS l
    ON l.load_id = e.listing_id
  WHERE e.ingested_at <= $known_at
    AND e.employee_id IS NOT NULL
)
SELECT employee_id
FROM lines
WHERE age = 1
GROUP BY employee_id
HAVING count(*) > 1
  AND count(DISTINCT name) = count(*)
  AND count(DISTINCT email) = count(*)

-- Grain: one lower-cased text by which registers and rosters name a person.
-- Columns: alias, identity_id. A text that two people share is left out.
-- Inputs: employments.
WITH names AS (
  SELECT lower(identity_id) AS alias, identity_id FROM employments
  UNION ALL
  SELECT lower(employee_id), identity_id FROM employments
  UNION ALL
  SELECT lower(email), identity_id FROM employments WHERE email IS NOT NULL
)
SELECT alias, min(identity_id) AS identity_id
FROM names
GROUP BY alias
HAVING min(identity_id) = max(identity_id)

-- Grain: one employee number, and the person it stands for.
-- Columns: employee_id, identity_id.
-- The roster's own number of the person decides. Where it has none, numbers under one address and
-- one name are contracts of one person, who was rehired or moved to another legal entity
-- (detectors reference, ZMB-01); an address alone may have been given to somebody else.
-- Inputs: employments_raw.
WITH known AS (
  SELECT DISTINCT
    employee_id,
    person_id,
    lower(trim(email)) AS email,
    lower(trim(name)) AS name
  FROM employments_raw
  WHERE ingested_at <= $known_at
),
persons AS (
  SELECT
    employee_id,
    max(person_id) AS person_id
  FROM known
  GROUP BY employee_id
),
contracts AS (
  SELECT
    email,
    name,
    min(employee_id) AS first_id
  FROM known
  WHERE email IS NOT NULL
    AND name IS NOT NULL
  GROUP BY email, name
),
chained AS (
  SELECT
    k.employee_id,
    min(c.first_id) AS first_id
  FROM known AS k
  JOIN contracts AS c
    ON c.email = k.email
    AND c.name = k.name
  GROUP BY k.employee_id
)
SELECT
  p.employee_id,
  coalesce(p.person_id, f.person_id, c.first_id, p.employee_id) AS identity_id
FROM persons AS p
LEFT JOIN chained AS c
  ON c.employee_id = p.employee_id
LEFT JOIN persons AS f
  ON f.employee_id = c.first_id

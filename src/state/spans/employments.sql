-- Grain: one period in which a person works here, as the newest roster that names it says.
-- Columns: identity_id, identity_key (its number among people), employee_id, start_at, end_at (half-open, null while it runs),
-- end_date_only, kind, department, title, location, manager, name, email, aliases, status,
-- on_leave, listed_at, known_at (when we first knew this end), placed_at (the first roster that had this
-- department and title).
-- A later roster replaces all lines of an employee number, so a corrected date leaves no ghost.
-- Inputs: employments_raw, employee_numbers.
WITH known AS (
  SELECT *
  FROM employments_raw
  WHERE ingested_at <= $known_at
),
newest AS (
  SELECT
    k.*,
    min(k.listed_at) OVER (PARTITION BY k.employee_id, k.department, k.title) AS placed_at,
    rank() OVER (
      PARTITION BY k.employee_id
      ORDER BY k.listed_at DESC, k.ingested_at DESC, k.listing_id DESC
    ) AS age
  FROM known AS k
),
ends AS (
  SELECT
    employee_id,
    end_at,
    min(ingested_at) AS known_at
  FROM known
  GROUP BY employee_id, end_at
)
SELECT
  p.identity_id,
  CAST(dense_rank() OVER (ORDER BY p.identity_id) AS INTEGER UNSIGNED) AS identity_key,
  n.employee_id,
  n.start_at,
  n.end_at,
  n.end_date_only,
  n.kind,
  n.department,
  n.title,
  n.location,
  n.manager,
  n.name,
  n.email,
  n.aliases,
  n.status,
  n.on_leave,
  n.listed_at,
  e.known_at,
  n.placed_at
FROM newest AS n
JOIN employee_numbers AS p
  ON p.employee_id = n.employee_id
LEFT JOIN ends AS e
  ON e.employee_id = n.employee_id
  AND e.end_at IS NOT DISTINCT FROM n.end_at
WHERE n.age = 1

-- Grain: one person. Inputs: identities_now.
SELECT
  identity_id AS key,
  identity_id,
  name,
  email,
  employee_id,
  kind,
  department,
  title,
  location,
  manager_id,
  employed,
  last_end_at,
  next_start_at,
  first_start_at,
  on_leave
FROM identities_now
WHERE identity_id > $after
ORDER BY identity_id
LIMIT 1001

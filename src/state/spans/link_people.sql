-- Grain: one employment of one person under one address. Older rosters may name another
-- address of the same employee: a rename, so both are theirs.
-- Columns: identity_id, identity_key, employee_id, name, email, aliases, kind, start_at, end_at.
-- Inputs: employments, roster_lines.
SELECT DISTINCT
  e.identity_id,
  e.identity_key,
  e.employee_id,
  e.name,
  r.email,
  r.aliases,
  e.kind,
  e.start_at,
  e.end_at
FROM employments AS e
JOIN roster_lines AS r
  ON r.employee_id = e.employee_id
WHERE r.ingested_at <= $known_at

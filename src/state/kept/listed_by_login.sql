-- Grain: one application with accounts that are worked out again, of which a listing names grants by login.
-- Inputs: listed_rows, touched_apps.
SELECT DISTINCT l.app_id
FROM listed_rows AS l
LEFT SEMI JOIN touched_apps AS t
  ON t.app_id = l.app_id
WHERE l.row_kind = 'grant'
  AND l.by_login

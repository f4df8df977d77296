-- Grain: one lower-cased name by which records refer to an application of the register.
-- Columns: alias, app_id. A name that two applications share is left out: it decides nothing.
-- Inputs: reg_applications.
WITH names AS (
  SELECT lower(app_id) AS alias, app_id FROM reg_applications
  UNION ALL
  SELECT lower(idp_app_id), app_id FROM reg_applications WHERE idp_app_id IS NOT NULL
  UNION ALL
  SELECT lower(name), app_id FROM reg_applications WHERE name IS NOT NULL
)
SELECT
  alias,
  min(app_id) AS app_id
FROM names
GROUP BY alias
HAVING min(app_id) = max(app_id)

-- Grain: one name that stands for another application than when the checkpoint was made.
-- Columns: alias.
-- Inputs: app_aliases, base_app_aliases.
SELECT coalesce(a.alias, b.alias) AS alias
FROM app_aliases AS a
FULL JOIN base_app_aliases AS b
  ON b.alias = a.alias
  AND b.app_id = a.app_id
WHERE a.alias IS NULL
  OR b.alias IS NULL

-- How many names stand for another application than when the checkpoint was made: with one, any
-- account may have become that of another application.
-- Inputs: app_aliases, base_app_aliases.
SELECT count(*) AS differ
FROM app_aliases AS a
FULL JOIN base_app_aliases AS k
  ON k.alias = a.alias
  AND k.app_id = a.app_id
WHERE a.alias IS NULL
  OR k.alias IS NULL

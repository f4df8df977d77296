-- Grain: one line of the owner register, with the identity that the owner is.
-- Columns: object_kind, object_id, owner (as registered), app_id, owner_id (identity).
-- Inputs: reg_owners, people_aliases.
SELECT
  r.object_kind,
  r.object_id,
  r.owner,
  r.app_id,
  p.identity_id AS owner_id
FROM reg_owners AS r
LEFT JOIN people_aliases AS p
  ON p.alias = lower(r.owner)

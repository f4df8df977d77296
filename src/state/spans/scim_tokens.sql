-- Grain: one SCIM token of the register, with the identity that owns it.
-- Columns: token_id, app_id, name, kind, owner (as registered), created_at, rotated_at, last_used_at, expires_at,
-- scopes, owner_id (identity).
-- Inputs: reg_scim_tokens, people_aliases.
SELECT
  r.token_id,
  r.app_id,
  r.name,
  r.kind,
  r.owner,
  r.created_at,
  r.rotated_at,
  r.last_used_at,
  r.expires_at,
  r.scopes,
  p.identity_id AS owner_id
FROM reg_scim_tokens AS r
LEFT JOIN people_aliases AS p
  ON p.alias = lower(r.owner)

-- Grain: one account of a linked identity in an identity provider at $as_of. One that is only told of by the way, whose
-- state nobody ever said, neither shuts out nor lets in.
-- Columns: identity_id, app_id (the provider), account_id, active, state_since.
-- Inputs: accounts_now.
SELECT identity_id, app_id, account_id, active, state_since
FROM accounts_now
WHERE app_id IN ('okta', 'entra', 'google_workspace')
  AND identity_id IS NOT NULL
  AND (active IS NOT NULL OR listed_at IS NOT NULL)

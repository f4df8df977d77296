-- Grain: one stretch, that is over, in which one account held one entitlement. Held in memory, so that
-- a plan knows how few they are beside those that are held.
-- Columns: those of grant_spans.
-- Inputs: grant_spans.
SELECT
  app_id, account_id, entitlement_kind, entitlement_id, entitlement_name, valid_from, valid_to, expires_at,
  granted_at, last_used_at, granted_by, from_source, listed_at, ref
FROM grant_spans
WHERE valid_to IS NOT NULL

-- Grain: one account that exists at $as_of.
-- Of the accounts that are worked out again.
-- Columns: app_id, account_id, account_key, account_name, display_name, email, external_id, active (null where the
-- state is unknown), state, state_since, status (the source's own word), class and class_source, created_at (else
-- when it was first stated), listed_at, expires_at, mfa, local_login, privileged (by itself or by a grant),
-- identity_id and identity_key (of the person it is linked to), link_method, link_confidence, candidates (how many
-- people it could have been).
-- Inputs: renewed_account_spans, renewed_account_attributes, renewed_links, renewed_grants_now.
WITH privileges AS (
  SELECT DISTINCT account_key, privileged
  FROM renewed_grants_now
  WHERE privileged
)
SELECT
  s.app_id,
  s.account_id,
  s.account_key,
  a.account_name,
  a.display_name,
  a.email,
  a.external_id,
  CASE s.state WHEN 'active' THEN TRUE WHEN 'inactive' THEN FALSE END AS active,
  s.state,
  s.valid_from AS state_since,
  a.status,
  coalesce(l.class, 'unknown') AS class,
  coalesce(l.class_source, 'none') AS class_source,
  -- What is only told of by the way may be older by any time.
  CASE WHEN s.how = 'mention' THEN a.created_at ELSE coalesce(a.created_at, a.first_stated_at, s.valid_from) END AS created_at,
  a.listed_at,
  a.expires_at,
  a.mfa,
  a.local_login,
  coalesce(a.privileged, FALSE) OR coalesce(p.privileged, FALSE) AS privileged,
  l.identity_id,
  l.identity_key,
  l.method AS link_method,
  coalesce(l.confidence, 0.0) AS link_confidence,
  coalesce(l.candidates, 0) AS candidates
-- Joins hold what is on their left: states, then links. The wide rows are on the right, where they pass by.
FROM privileges AS p
RIGHT JOIN (
  renewed_links AS l
  RIGHT JOIN (
    renewed_account_spans AS s
    LEFT JOIN renewed_account_attributes AS a
      ON a.account_key = s.account_key
  )
    ON l.account_key = s.account_key
)
  ON p.account_key = s.account_key
WHERE s.valid_to IS NULL
  AND s.state <> 'deleted'

-- Grain: one account of `weighed_accounts` that exists at $as_of, with what its severity and score depend on.
-- Columns: first_id (application), second_id (account), privileged, local_login, mfa, active, sso_only,
-- last_success_at, credentials (alive), shut_out.
-- Inputs: weighed_accounts, accounts_now, applications, last_activity, credential_spans, idp_accounts.
WITH disabled AS (
  SELECT identity_id
  FROM idp_accounts
  GROUP BY identity_id
  HAVING NOT bool_or(coalesce(active, TRUE))
),
alive AS (
  SELECT app_id, account_id, count(*) AS credentials
  FROM credential_spans
  WHERE (valid_to IS NULL OR valid_to > $as_of)
    AND (valid_from IS NULL OR valid_from <= $as_of)
    AND credential_kind <> 'scim_token'
  GROUP BY app_id, account_id
)
SELECT
  a.app_id AS first_id,
  a.account_id AS second_id,
  a.privileged,
  a.local_login,
  a.mfa,
  a.active,
  p.sso_only,
  l.last_success_at,
  c.credentials,
  d.identity_id IS NOT NULL
    AND p.sso_only IS TRUE
    AND a.local_login IS NOT TRUE
    AND c.app_id IS NULL AS shut_out
FROM weighed_accounts AS w
JOIN accounts_now AS a
  ON a.app_id = w.app_id
  AND a.account_id = w.account_id
LEFT JOIN applications AS p
  ON p.app_id = a.app_id
LEFT JOIN last_activity AS l
  ON l.app_id = a.app_id
  AND l.account_id = a.account_id
LEFT JOIN alive AS c
  ON c.app_id = a.app_id
  AND c.account_id = a.account_id
LEFT JOIN disabled AS d
  ON d.identity_id = a.identity_id

-- Grain: one stretch [valid_from, valid_to) in which one credential can be used: from its
-- creation, or from being given again, to its revocation or its end.
-- Columns: app_id, account_id, credential_kind, credential_id, credential_name, identity_id,
-- valid_from, valid_to, expires_at, last_used_at, from_source, ref.
-- An administrator revokes the token of another, so that a token with an id of its own is known
-- by it alone; what has none is known by its account. SCIM tokens come from their register.
-- Inputs: known_changes, app_uses, links, scim_tokens.
WITH stated AS (
  SELECT
    account_key_app AS app_id,
    account_id,
    credential_kind,
    coalesce(credential_id, account_id) AS credential_id,
    credential_name,
    CASE credential_kind WHEN 'api_token' THEN '' ELSE account_id END AS holder,
    occurred_at AS at,
    event_id AS ref,
    source AS from_source,
    expires_at,
    CASE
      WHEN verb IN ('token.create', 'token.issue') THEN TRUE
      WHEN verb = 'token.revoke' THEN FALSE
    END AS valid
  FROM known_changes
  WHERE outcome = 'success'
    AND credential_kind IS NOT NULL
    AND account_key_app IS NOT NULL
    AND account_id IS NOT NULL
),
ordered AS (
  SELECT
    app_id, account_id, credential_kind, credential_id, credential_name, holder, at, ref, from_source,
    expires_at, valid,
    lag(valid) OVER (
      PARTITION BY app_id, credential_kind, credential_id, holder
      ORDER BY at, ref
    ) AS previous
  FROM stated
  WHERE valid IS NOT NULL
),
bounded AS (
  SELECT
    app_id, account_id, credential_kind, credential_id, credential_name, holder, from_source, ref,
    expires_at, valid,
    at AS valid_from,
    lead(at) OVER (
      PARTITION BY app_id, credential_kind, credential_id, holder
      ORDER BY at, ref
    ) AS ended_at
  FROM ordered
  WHERE previous IS NULL
    OR previous <> valid
),
used AS (
  SELECT
    account_key_app AS app_id,
    account_id,
    credential_kind,
    credential_id,
    max(last_at) AS last_used_at
  FROM app_uses
  WHERE outcome = 'success'
    AND credential_id IS NOT NULL
  GROUP BY account_key_app, account_id, credential_kind, credential_id
),
spans AS (
  SELECT
    b.app_id, b.account_id, b.credential_kind, b.credential_id, b.credential_name, l.identity_id,
    b.valid_from,
    CASE
      WHEN b.expires_at IS NOT NULL AND (b.ended_at IS NULL OR b.expires_at < b.ended_at) THEN b.expires_at
      ELSE b.ended_at
    END AS valid_to,
    b.expires_at, u.last_used_at, b.from_source, b.ref
  FROM bounded AS b
  LEFT JOIN links AS l
    ON l.app_id = b.app_id
    AND l.account_id = b.account_id
  LEFT JOIN used AS u
    ON u.app_id = b.app_id
    AND u.account_id = b.account_id
    AND u.credential_kind = b.credential_kind
    AND u.credential_id = b.credential_id
  WHERE b.valid
  UNION ALL
  SELECT
    app_id, NULL, 'scim_token', token_id, name, owner_id, created_at, expires_at AS valid_to, expires_at,
    last_used_at, 'scim_tokens', token_id AS ref
  FROM scim_tokens
  WHERE created_at IS NULL
    OR created_at <= $as_of
)
SELECT
  app_id, account_id, credential_kind, credential_id, credential_name, identity_id, valid_from, valid_to,
  expires_at, last_used_at, from_source, ref
FROM spans
WHERE valid_to IS NULL
  OR valid_from IS NULL
  OR valid_to > valid_from

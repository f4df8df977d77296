-- Grain: one thing that has to end when a person leaves: an account or a credential that a leaver
-- had at the end of the last employment, or got after it.
-- Columns: identity_id, name, department, left_at, end_date_only, end_known_at, step
-- (identity_provider, application, credential), app_id, account_id, credential_id,
-- link_confidence, state (closed, undated, unknown, open), closed_at (null unless closed).
-- Who begins again within 30 days is no leaver (ZMB-01). What was closed up to 30 days before the
-- end was closed for it, and counts; what had been closed for longer does not. An account that was
-- enabled again counts by its last end. A deactivation proves that the account was enabled until
-- then, also where nothing tells since when; an account that was disabled already when a listing
-- first named it ended at a time that nobody knows: it is undated. A guest whom a roster names leaves like anybody. A SCIM token outlives its owner by design: TOK-03 asks.
-- Inputs: identities_now, links, account_spans, credential_spans.
WITH leavers AS (
  SELECT identity_id, name, department, last_end_at AS left_at, end_date_only, end_known_at
  FROM identities_now
  WHERE employed IS FALSE
    AND last_end_at IS NOT NULL
    AND (next_start_at IS NULL OR next_start_at > $as_of + INTERVAL '30' DAY)
),
births AS (
  SELECT app_id, account_id, min(valid_from) AS first_at
  FROM account_spans
  GROUP BY app_id, account_id
),
owned AS (
  SELECT
    l.identity_id, l.name, l.department, l.left_at, l.end_date_only, l.end_known_at,
    k.app_id, k.account_id, k.confidence AS link_confidence, b.first_at
  FROM leavers AS l
  JOIN links AS k
    ON k.identity_id = l.identity_id
  JOIN births AS b
    ON b.app_id = k.app_id
    AND b.account_id = k.account_id
  WHERE k.class IN ('human', 'contractor', 'guest')
),
accounts AS (
  SELECT
    o.identity_id, o.name, o.department, o.left_at, o.end_date_only, o.end_known_at,
    CASE
      WHEN o.app_id IN ('okta', 'entra', 'google_workspace') THEN 'identity_provider'
      ELSE 'application'
    END AS step,
    o.app_id, o.account_id, NULL AS credential_id, o.link_confidence,
    bool_or(s.state = 'active' AND s.valid_to IS NULL) AS open,
    bool_or(s.state = 'unknown' AND s.valid_to IS NULL) AS unknown,
    max(CASE
      WHEN s.state = 'active' THEN s.valid_to
      WHEN s.state IN ('inactive', 'deleted') AND s.how = 'event' AND s.valid_from = o.first_at THEN s.valid_from
    END) AS ended_at,
    min(o.first_at) AS first_at
  FROM owned AS o
  JOIN account_spans AS s
    ON s.app_id = o.app_id
    AND s.account_id = o.account_id
  GROUP BY
    o.identity_id, o.name, o.department, o.left_at, o.end_date_only, o.end_known_at, o.app_id, o.account_id,
    o.link_confidence
),
credentials AS (
  SELECT
    o.identity_id, o.name, o.department, o.left_at, o.end_date_only, o.end_known_at,
    'credential' AS step,
    o.app_id, o.account_id, c.credential_id, o.link_confidence,
    bool_or(c.valid_to IS NULL OR c.valid_to > $as_of) AS open,
    FALSE AS unknown,
    max(c.valid_to) AS ended_at,
    min(o.first_at) AS first_at
  FROM owned AS o
  JOIN credential_spans AS c
    ON c.app_id = o.app_id
    AND c.account_id = o.account_id
  GROUP BY
    o.identity_id, o.name, o.department, o.left_at, o.end_date_only, o.end_known_at, o.app_id, o.account_id,
    o.link_confidence, c.credential_kind, c.credential_id
),
steps AS (
  SELECT
    identity_id, name, department, left_at, end_date_only, end_known_at, step, app_id, account_id,
    credential_id, link_confidence, open, unknown, ended_at, first_at
  FROM accounts
  UNION ALL
  SELECT
    identity_id, name, department, left_at, end_date_only, end_known_at, step, app_id, account_id,
    credential_id, link_confidence, open, unknown, ended_at, first_at
  FROM credentials
)
SELECT
  identity_id, name, department, left_at, end_date_only, end_known_at, step, app_id, account_id,
  credential_id, link_confidence,
  CASE
    WHEN open THEN 'open'
    WHEN unknown THEN 'unknown'
    WHEN ended_at IS NULL THEN 'undated'
    ELSE 'closed'
  END AS state,
  CASE WHEN NOT open AND NOT unknown THEN ended_at END AS closed_at
FROM steps
WHERE open
  OR unknown
  OR coalesce(ended_at, first_at) >= left_at - INTERVAL '30' DAY

-- Grain: one account that an identity provider gave up for another of the same person: it
-- was disabled or deleted, and within an hour one with the same externalId was created in the
-- same application (detectors reference, 3.3). Neither a leaver nor a joiner.
-- Columns: app_id, from_account_id, from_account_key, to_account_id, to_account_key, external_id, renamed_at.
-- Inputs: account_spans, account_attributes.
WITH ended AS (
  SELECT s.app_id, s.account_id, s.account_key, a.external_id, s.valid_from AS at
  FROM account_spans AS s
  JOIN account_attributes AS a
    ON a.account_key = s.account_key
  WHERE s.state IN ('inactive', 'deleted')
    AND s.how = 'event'
    AND a.external_id IS NOT NULL
),
begun AS (
  SELECT s.app_id, s.account_id, s.account_key, a.external_id, min(s.valid_from) AS at
  FROM account_spans AS s
  JOIN account_attributes AS a
    ON a.account_key = s.account_key
  WHERE s.state = 'active'
    AND a.external_id IS NOT NULL
  GROUP BY s.app_id, s.account_id, s.account_key, a.external_id
),
paired AS (
  SELECT
    e.app_id,
    e.account_id AS from_account_id,
    e.account_key AS from_account_key,
    b.account_id AS to_account_id,
    b.account_key AS to_account_key,
    e.external_id,
    b.at AS renamed_at,
    row_number() OVER (
      PARTITION BY e.app_id, e.account_id
      ORDER BY b.at, b.account_id
    ) AS nearest
  FROM ended AS e
  JOIN begun AS b
    ON b.app_id = e.app_id
    AND b.external_id = e.external_id
    AND b.account_id <> e.account_id
    AND b.at BETWEEN e.at - INTERVAL '1 hour' AND e.at + INTERVAL '1 hour'
)
SELECT app_id, from_account_id, from_account_key, to_account_id, to_account_key, external_id, renamed_at
FROM paired
WHERE nearest = 1

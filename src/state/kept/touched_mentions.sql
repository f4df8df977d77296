-- Grain: one account that is worked out again and was used, with its first and its last success, before the checkpoint or
-- since.
-- Columns: those of told_mentions.
-- Inputs: base_app_uses, told_mentions, touched_apps, touched_accounts.
WITH used AS (
  SELECT account_key_app AS app_id, account_id, first_at, last_at
  FROM base_app_uses
  WHERE outcome = 'success'
    AND verb <> 'signin.workload'
    AND account_key_app IS NOT NULL
    AND account_id IS NOT NULL
  UNION ALL
  SELECT app_id, account_id, first_at, last_at
  FROM told_mentions
),
touched AS (
  SELECT u.app_id, u.account_id, u.first_at, u.last_at
  FROM used AS u
  LEFT SEMI JOIN touched_apps AS a
    ON a.app_id = u.app_id
  UNION ALL
  SELECT u.app_id, u.account_id, u.first_at, u.last_at
  FROM used AS u
  LEFT ANTI JOIN touched_apps AS a
    ON a.app_id = u.app_id
  LEFT SEMI JOIN touched_accounts AS t
    ON t.app_id = u.app_id
    AND t.account_id = u.account_id
)
SELECT app_id, account_id, min(first_at) AS first_at, max(last_at) AS last_at
FROM touched
GROUP BY app_id, account_id

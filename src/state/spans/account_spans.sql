-- Grain: one stretch [valid_from, valid_to) in which one account is in one state.
-- Columns: app_id, account_id, state (active, inactive, deleted, unknown), valid_from,
-- valid_to, how (event, listing, vanished), ref (event or listing id).
-- Only successful events change state. A trusted complete listing ends every account that
-- it does not name. A listing without a status says only that the account exists. Events of an identity provider's provisioning speak of an account in
-- another application without naming it, so they change nothing here.
-- Inputs: touched_changes, touched_snapshots, listings.
WITH stated AS (
  SELECT
    account_key_app AS app_id,
    account_id,
    occurred_at AS at,
    1 AS rank,
    event_id AS ref,
    'event' AS how,
    CASE
      WHEN verb IN (
        'account.create', 'account.activate', 'account.reactivate', 'account.unsuspend',
        'account.provision', 'provision.create', 'provision.activate', 'provision.reactivate'
      ) THEN 'active'
      WHEN verb IN (
        'account.deactivate', 'account.suspend', 'account.suspend.auto', 'account.block',
        'account.archive', 'account.deprovision', 'provision.deactivate', 'provision.deprovision'
      ) THEN 'inactive'
      WHEN verb IN ('account.delete', 'account.purge', 'provision.delete') THEN 'deleted'
    END AS state
  FROM touched_changes
  WHERE outcome = 'success'
    AND account_key_app IS NOT NULL
    AND account_id IS NOT NULL
    AND (source = 'entra_provisioning' OR verb NOT LIKE 'provision.%')
  UNION ALL
  SELECT
    app_id,
    account_id,
    listed_at,
    2,
    listing_id,
    'listing',
    CASE
      WHEN active IS NULL THEN 'unknown'
      WHEN active THEN 'active'
      ELSE 'inactive'
    END
  FROM touched_snapshots
  WHERE row_kind = 'account'
    AND account_id IS NOT NULL
    AND app_id IS NOT NULL
),
informed AS (
  SELECT
    app_id, account_id, at, rank, ref, how, state,
    bool_or(state <> 'unknown') OVER (PARTITION BY app_id, account_id) AS decided
  FROM stated
  WHERE state IS NOT NULL
),
seen AS (
  SELECT app_id, account_id, at, rank, ref, how, state
  FROM informed
  WHERE state <> 'unknown' OR NOT decided
),
births AS (
  SELECT app_id, account_id, min(at) AS first_at
  FROM seen
  GROUP BY app_id, account_id
),
expected AS (
  SELECT b.app_id, b.account_id, l.listed_at AS at, l.listing_id
  FROM births AS b
  JOIN listings AS l
    ON l.app_id = b.app_id
    AND l.row_kind = 'account'
    AND l.trusted
    AND b.first_at < l.listed_at
),
observations AS (
  SELECT app_id, account_id, at, rank, ref, how, state
  FROM seen
  UNION ALL
  SELECT x.app_id, x.account_id, x.at, 2, x.listing_id, 'vanished', 'deleted'
  FROM expected AS x
  LEFT ANTI JOIN (
    SELECT listing_id, account_id FROM touched_snapshots WHERE row_kind = 'account'
  ) AS s
    ON s.listing_id = x.listing_id
    AND s.account_id = x.account_id
),
ordered AS (
  SELECT
    app_id,
    account_id,
    at,
    rank,
    ref,
    how,
    state,
    lag(state) OVER (PARTITION BY app_id, account_id ORDER BY at, rank, ref, state) AS previous
  FROM observations
),
changes AS (
  SELECT app_id, account_id, at, rank, ref, how, state
  FROM ordered
  WHERE previous IS NULL
    OR previous <> state
),
bounded AS (
  SELECT
    app_id,
    account_id,
    state,
    at AS valid_from,
    lead(at) OVER (PARTITION BY app_id, account_id ORDER BY at, rank, ref, state) AS valid_to,
    how,
    ref
  FROM changes
)
SELECT app_id, account_id, state, valid_from, valid_to, how, ref
FROM bounded
WHERE valid_to IS NULL
  OR valid_to > valid_from

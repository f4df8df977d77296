-- Grain: one change of an account that is worked out, with the id of its account where Google names that by address.
-- Columns: those of known_changes.
-- An administrator's acts name an address, and listings and a person's own acts the id of the profile, so that one account
-- would be two. An address is that of the account last known by it then, else of the first that ever was. A new address
-- is of the account with the old one.
-- Inputs: changes_told, touched_snapshots.
WITH listed AS (
  SELECT account_id, account_name, email, listed_at
  FROM touched_snapshots
  WHERE app_id = 'google_workspace'
    AND row_kind = 'account'
    AND account_id IS NOT NULL
),
own AS (
  SELECT account_id, lower(account_name) AS address, listed_at AS at
  FROM listed
  UNION ALL
  SELECT account_id, lower(email), listed_at
  FROM listed
  UNION ALL
  SELECT account_id, lower(account_email), occurred_at
  FROM changes_told
  WHERE account_key_app = 'google_workspace'
    AND account_id NOT LIKE '%@%'
),
known AS (
  SELECT address, account_id, min(at) AS at
  FROM own
  WHERE address LIKE '%@%'
  GROUP BY address, account_id
),
renamed AS (
  SELECT DISTINCT account_id AS former, lower(account_name) AS address, occurred_at AS at
  FROM changes_told
  WHERE account_key_app = 'google_workspace'
    AND verb = 'account.rename'
    AND outcome = 'success'
    AND account_id LIKE '%@%'
    AND account_name LIKE '%@%'
    AND lower(account_name) <> lower(account_id)
),
former_ids AS (
  SELECT address, min(account_id) AS account_id
  FROM known
  GROUP BY address
  HAVING min(account_id) = max(account_id)
),
followed AS (
  SELECT r.address, coalesce(f.account_id, r.former) AS account_id, r.at
  FROM renamed AS r
  LEFT JOIN former_ids AS f
    ON f.address = lower(r.former)
),
named AS (
  SELECT address, account_id, min(at) AS at
  FROM (SELECT address, account_id, at FROM known UNION ALL SELECT address, account_id, at FROM followed) AS both_parts
  GROUP BY address, account_id
),
holders AS (
  SELECT
    address,
    account_id,
    at,
    lead(at) OVER (PARTITION BY address ORDER BY at, account_id) AS until,
    row_number() OVER (PARTITION BY address ORDER BY at, account_id) AS place
  FROM named
)
SELECT
  c.* EXCEPT (account_id),
  coalesce(h.account_id, c.account_id) AS account_id
FROM changes_told AS c
LEFT JOIN holders AS h
  ON h.address = lower(c.account_id)
  AND c.account_key_app = 'google_workspace'
  AND (h.place = 1 OR c.occurred_at >= h.at)
  AND (h.until IS NULL OR c.occurred_at < h.until)

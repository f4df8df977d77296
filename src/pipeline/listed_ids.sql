-- Grain: one thing that a listing names, by the texts that tell it from others of its kind.
-- Inputs: snapshots, employments_raw.
SELECT
  row_kind,
  coalesce(account_id, account_name) AS id,
  entitlement_kind,
  entitlement_id
FROM snapshots
WHERE listing_id = $load_id
UNION ALL
SELECT
  'employment',
  employee_id,
  NULL,
  NULL
FROM employments_raw
WHERE listing_id = $load_id

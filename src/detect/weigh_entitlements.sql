-- Grain: one entitlement that the register or any grant names.
-- Columns: first_id (application), second_id (entitlement), privileged, tenant_admin, sensitive.
-- Inputs: entitlements, grants_now.
WITH named AS (
  SELECT app_id, entitlement_id, privileged, tenant_admin, sensitivity
  FROM entitlements
  UNION ALL
  SELECT DISTINCT app_id, entitlement_id, privileged, tenant_admin, sensitivity
  FROM grants_now
)
SELECT
  app_id AS first_id,
  entitlement_id AS second_id,
  bool_or(coalesce(privileged, FALSE)) AS privileged,
  bool_or(coalesce(tenant_admin, FALSE)) AS tenant_admin,
  bool_or(coalesce(lower(sensitivity) IN ('high', 'critical'), FALSE)) AS sensitive
FROM named
WHERE app_id IS NOT NULL
  AND entitlement_id IS NOT NULL
GROUP BY app_id, entitlement_id

-- Grain: one row of last_activity that is worked out again, with the number of its account.
-- Inputs: activity_again, active_account_keys (of the accounts that are worked out again).
SELECT
  a.app_id,
  a.account_id,
  k.account_key,
  a.last_success_at,
  a.last_success_signal,
  a.last_failure_at,
  a.failures_since_success,
  a.first_success_at
FROM activity_again AS a
LEFT JOIN active_account_keys AS k
  ON k.app_id = a.app_id
  AND k.account_id = a.account_id

-- What duck_state.py folds events into, counted from the views of a session.
SELECT 'lifecycles' AS question, count(DISTINCT account_id) AS found, 1 AS copy
FROM known_changes
WHERE event_type IN ('user.lifecycle.deactivate', 'user.lifecycle.activate')
  AND outcome = 'success'
UNION ALL
SELECT 'memberships', count(*), 1
FROM (
  SELECT DISTINCT account_id, entitlement_name
  FROM known_changes
  WHERE event_type IN ('group.user_membership.add', 'group.user_membership.remove')
    AND outcome = 'success'
) AS memberships
UNION ALL
SELECT 'assignments', count(*), 1
FROM (
  SELECT DISTINCT account_id, app_id
  FROM known_changes
  WHERE event_type IN ('application.user_membership.add', 'application.user_membership.remove')
) AS assignments
UNION ALL
SELECT 'signins', count(DISTINCT account_id), 1
FROM app_uses
WHERE verb IN ('signin', 'signin.app')
  AND outcome = 'success'
UNION ALL
SELECT 'uses', count(*), 1
FROM (
  SELECT DISTINCT account_id, app_key
  FROM app_uses
  WHERE verb = 'signin.app'
    AND outcome = 'success'
) AS uses

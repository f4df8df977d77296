-- Grain: one log, and one application as it names it, of whose use it told.
-- Columns: source, account_app, app_id, app_name, first_at, last_at.
-- Inputs: base_event_uses (the checkpoint's), tail_uses.
WITH both_parts AS (
  SELECT source, account_app, app_id, app_name, first_at, last_at FROM base_event_uses
  UNION ALL
  SELECT source, account_app, app_id, app_name, first_at, last_at FROM tail_uses
)
SELECT source, account_app, app_id, app_name, min(first_at) AS first_at, max(last_at) AS last_at
FROM both_parts
GROUP BY source, account_app, app_id, app_name

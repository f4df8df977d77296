-- Grain: one known event that is no use of an account.
-- Columns: those of known_events.
-- Inputs: base_known_changes (the checkpoint's), tail_changes.
SELECT * FROM base_known_changes
UNION ALL
SELECT * FROM tail_changes

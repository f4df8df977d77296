-- Grain: one hour in which one log has an event.
-- Columns: source, hour_at (when the hour begins).
-- Inputs: base_event_hours (the checkpoint's), tail_hours.
SELECT source, hour_at FROM base_event_hours
UNION
SELECT source, hour_at FROM tail_hours

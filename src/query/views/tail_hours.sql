-- Grain: one hour in which one log has an event that the checkpoint does not hold.
-- Inputs: tail_events.
SELECT DISTINCT source, date_bin(INTERVAL '1 hour', occurred_at) AS hour_at
FROM tail_events

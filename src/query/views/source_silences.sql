-- Grain: one stretch in which one log has no event, told by the hour, in the 100 days before
-- $as_of: those of more than a day, and the longest of each log.
-- Columns: source, from_at, to_at, hours, usual_hours (null below four weeks with events).
-- The usual longest silence is the median over the weeks of the longest of each, so that nights and
-- weekends are usual; and no less than the fourth longest of all, so that a log that is often silent
-- for days has no gaps, and one that was so three times has.
-- 100 days are the longest limit of dormancy in any profile, and some.
-- Inputs: event_hours.
WITH hours AS (
  SELECT source, hour_at
  FROM event_hours
  WHERE hour_at >= date_trunc('day', $as_of - INTERVAL '100 days')
),
steps AS (
  SELECT
    source,
    lag(hour_at) OVER (PARTITION BY source ORDER BY hour_at) AS from_at,
    hour_at AS to_at
  FROM hours
),
silences AS (
  SELECT
    source,
    from_at,
    to_at,
    (date_part('epoch', to_at) - date_part('epoch', from_at)) / 3600.0 AS hours
  FROM steps
  WHERE from_at IS NOT NULL
),
weeks AS (
  SELECT
    source,
    date_trunc('week', to_at) AS week_at,
    max(hours) AS longest_hours
  FROM silences
  GROUP BY source, date_trunc('week', to_at)
),
weekly AS (
  SELECT
    source,
    CASE WHEN count(*) >= 4 THEN median(longest_hours) END AS usual_hours
  FROM weeks
  GROUP BY source
),
ranked AS (
  SELECT
    source,
    from_at,
    to_at,
    hours,
    row_number() OVER (PARTITION BY source ORDER BY hours DESC, from_at) AS place
  FROM silences
),
usual AS (
  SELECT
    w.source,
    CASE WHEN w.usual_hours < f.hours THEN f.hours ELSE w.usual_hours END AS usual_hours
  FROM weekly AS w
  LEFT JOIN ranked AS f
    ON f.source = w.source
    AND f.place = 4
)
SELECT
  r.source,
  r.from_at,
  r.to_at,
  r.hours,
  u.usual_hours
FROM ranked AS r
JOIN usual AS u
  ON u.source = r.source
WHERE r.hours > 24.0 OR r.place = 1

-- Grain: one person that any roster has named.
-- Columns: identity_id, identity_key, name, email, employee_id, kind, department, title, location, manager_id
-- (identity), employed, last_end_at (the last end that has come), end_date_only (whether that is a bare date),
-- end_known_at (when a roster first said it), next_start_at, first_start_at, current_start_at and current_end_at (of
-- the newest employment), on_leave, last_listed_at, rosters_missed, rosters_unnamed, rosters_seen.
-- `employed` goes by `until_at`, so that a transfer between legal entities is no end.
-- `rosters_missed` counts trusted full rosters after the last one of their feed that names the person, `rosters_unnamed` also
-- those of which some lines could not be read; of a person in several feeds, where they are the fewest.
-- Inputs: employments, employee_numbers, people_aliases, rosters.
WITH latest AS (
  SELECT
    identity_id, identity_key, employee_id, start_at, end_at, end_date_only, kind, department, title, location,
    manager, name, email, status, on_leave, listed_at, known_at,
    row_number() OVER (
      PARTITION BY identity_id
      ORDER BY
        CASE WHEN start_at IS NULL OR start_at <= $as_of THEN 0 ELSE 1 END,
        start_at DESC NULLS LAST,
        listed_at DESC,
        employee_id DESC
    ) AS age
  FROM employments
),
periods AS (
  SELECT
    identity_id,
    bool_or((start_at IS NULL OR start_at <= $as_of) AND (until_at IS NULL OR until_at > $as_of)) AS employed,
    max(CASE WHEN end_at <= $as_of THEN end_at END) AS last_end_at,
    min(CASE WHEN start_at > $as_of AND (end_at IS NULL OR end_at > start_at) THEN start_at END) AS next_start_at,
    min(start_at) AS first_start_at,
    max(CASE WHEN listed_at <= $as_of THEN listed_at END) AS last_listed_at
  FROM employments
  GROUP BY identity_id
),
named AS (
  SELECT
    p.identity_id,
    r.feed,
    count(DISTINCT r.listed_at) AS rosters_seen,
    max(r.listed_at) AS last_listed_at
  FROM roster_lines AS e
  JOIN employee_numbers AS p
    ON p.employee_id = e.employee_id
  JOIN rosters AS r
    ON r.listing_id = e.listing_id
  WHERE e.ingested_at <= $known_at
  GROUP BY p.identity_id, r.feed
),
missed AS (
  SELECT
    n.identity_id,
    n.feed,
    min(n.rosters_seen) AS rosters_seen,
    count(DISTINCT CASE WHEN r.trusted THEN r.listed_at END) AS rosters_missed,
    count(DISTINCT r.listed_at) AS rosters_unnamed
  FROM named AS n
  LEFT JOIN rosters AS r
    ON r.feed = n.feed
    AND r.listed_at > n.last_listed_at
    AND (r.trusted OR r.unread)
  GROUP BY n.identity_id, n.feed
),
seen AS (
  SELECT
    identity_id,
    CAST(sum(rosters_seen) AS BIGINT) AS rosters_seen,
    min(rosters_missed) AS rosters_missed,
    min(rosters_unnamed) AS rosters_unnamed
  FROM missed
  GROUP BY identity_id
)
SELECT
  l.identity_id,
  l.identity_key,
  l.name,
  l.email,
  l.employee_id,
  l.kind,
  l.department,
  l.title,
  l.location,
  m.identity_id AS manager_id,
  coalesce(p.employed, FALSE) AS employed,
  p.last_end_at,
  CASE WHEN l.end_at = p.last_end_at THEN l.end_date_only ELSE FALSE END AS end_date_only,
  CASE WHEN l.end_at = p.last_end_at THEN l.known_at END AS end_known_at,
  p.next_start_at,
  p.first_start_at,
  l.start_at AS current_start_at,
  l.end_at AS current_end_at,
  coalesce(l.on_leave, FALSE) AS on_leave,
  p.last_listed_at,
  coalesce(s.rosters_missed, 0) AS rosters_missed,
  coalesce(s.rosters_unnamed, 0) AS rosters_unnamed,
  coalesce(s.rosters_seen, 0) AS rosters_seen
FROM latest AS l
JOIN periods AS p
  ON p.identity_id = l.identity_id
LEFT JOIN people_aliases AS m
  ON m.alias = lower(l.manager)
LEFT JOIN seen AS s
  ON s.identity_id = l.identity_id
WHERE l.age = 1

-- Grain: one period in which a person works here, as the newest roster that names it says.
-- Columns: identity_id, identity_key (its number among people), employee_id, start_at, end_at (half-open, null while it runs),
-- end_date_only, kind, department, title, location, manager, name, email, aliases, status,
-- on_leave, listed_at, known_at (when we first knew this end), placed_at (the first roster that had this
-- department and title), former (the newest roster that names the number begins after it), until_at (when the person
-- stopped working here: end_at, or where the person's next employment begins within 7 days of it, that beginning, since a
-- transfer between legal entities is no end: detectors reference, ZMB-01).
-- A later roster replaces all lines of an employee number, so a corrected date leaves no ghost. Only a period that ended
-- before all of them begin stays: who comes back under the same number gets a new hire date, and had left all the same.
-- Whom a roster calls gone is gone: without an end, or with one that is far, the end came no later than the first roster
-- that says so without a break since. One within two days of it is that end: a roster knows its day, not its hour, and a
-- day ends where the person works.
-- Inputs: roster_lines, employee_numbers, gone_statuses.
WITH said AS (
  SELECT
    r.*,
    g.status IS NOT NULL AS gone
  FROM roster_lines AS r
  LEFT JOIN gone_statuses AS g
    ON g.status = r.status
  WHERE r.ingested_at <= $known_at
),
broken AS (
  SELECT
    s.*,
    max(CASE WHEN NOT s.gone THEN s.listed_at END) OVER (PARTITION BY s.employee_id, s.start_at) AS last_here_at
  FROM said AS s
),
dated AS (
  SELECT
    b.*,
    CASE
      WHEN NOT b.gone THEN NULL
      WHEN b.listed_at <= b.last_here_at THEN b.listed_at
      ELSE min(CASE WHEN b.gone AND (b.last_here_at IS NULL OR b.listed_at > b.last_here_at) THEN b.listed_at END)
        OVER (PARTITION BY b.employee_id, b.start_at)
    END AS gone_at
  FROM broken AS b
),
known AS (
  SELECT
    d.*,
    d.gone AND (d.end_at IS NULL OR d.end_at > d.gone_at + INTERVAL '2' DAY) AS undated,
    CASE
      WHEN d.gone AND (d.end_at IS NULL OR d.end_at > d.gone_at + INTERVAL '2' DAY) THEN d.gone_at
      ELSE d.end_at
    END AS ended_at
  FROM dated AS d
),
ranked AS (
  SELECT
    k.*,
    min(k.listed_at) OVER (PARTITION BY k.employee_id, k.department, k.title) AS placed_at,
    rank() OVER (
      PARTITION BY k.employee_id
      ORDER BY k.listed_at DESC, k.ingested_at DESC, k.listing_id DESC
    ) AS age,
    rank() OVER (
      PARTITION BY k.employee_id, k.start_at
      ORDER BY k.listed_at DESC, k.ingested_at DESC, k.listing_id DESC
    ) AS period_age
  FROM known AS k
),
newest AS (
  SELECT
    r.*,
    min(CASE WHEN r.age = 1 THEN r.start_at END) OVER (PARTITION BY r.employee_id) AS begins_at
  FROM ranked AS r
),
ends AS (
  SELECT
    employee_id,
    ended_at,
    min(ingested_at) AS known_at
  FROM known
  GROUP BY employee_id, ended_at
),
periods AS (
  SELECT
    p.identity_id,
    n.employee_id,
    n.start_at,
    n.ended_at,
    n.end_date_only OR n.undated AS end_date_only,
    n.kind,
    n.department,
    n.title,
    n.location,
    n.manager,
    n.name,
    n.email,
    n.aliases,
    n.status,
    n.on_leave,
    n.listed_at,
    n.placed_at,
    n.age > 1 AS former
  FROM newest AS n
  JOIN employee_numbers AS p
    ON p.employee_id = n.employee_id
  WHERE n.age = 1
    OR (n.period_age = 1 AND n.ended_at <= n.begins_at)
),
transfers AS (
  SELECT
    p.identity_id,
    p.ended_at,
    min(f.start_at) AS begins_at
  FROM periods AS p
  JOIN periods AS f
    ON f.identity_id = p.identity_id
    AND f.start_at > p.ended_at
    AND f.start_at <= p.ended_at + INTERVAL '7' DAY
    AND (f.ended_at IS NULL OR f.ended_at > f.start_at)
  GROUP BY p.identity_id, p.ended_at
)
SELECT
  p.identity_id,
  CAST(dense_rank() OVER (ORDER BY p.identity_id) AS INTEGER UNSIGNED) AS identity_key,
  p.employee_id,
  p.start_at,
  p.ended_at AS end_at,
  p.end_date_only,
  p.kind,
  p.department,
  p.title,
  p.location,
  p.manager,
  p.name,
  p.email,
  p.aliases,
  p.status,
  p.on_leave,
  p.listed_at,
  e.known_at,
  p.placed_at,
  p.former,
  coalesce(t.begins_at, p.ended_at) AS until_at
FROM periods AS p
LEFT JOIN ends AS e
  ON e.employee_id = p.employee_id
  AND e.ended_at IS NOT DISTINCT FROM p.ended_at
LEFT JOIN transfers AS t
  ON t.identity_id = p.identity_id
  AND t.ended_at = p.ended_at

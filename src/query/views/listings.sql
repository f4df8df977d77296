-- Grain: one listing of accounts or grants of one application.
-- Columns: row_kind, app_id, feed (as in `loads`), listing_id, listed_at, ingested_at, rows, previous_rows, trusted.
-- Of two that were taken at one instant, as a corrected export of the same day, the one ingested later is the newer.
-- A listing is trusted to say who is gone when it is complete, is the whole of its source as far
-- as anything says (`damage` of `loads`), could be read but for few rows and has not shrunk by much since the
-- one of its feed before it (the limits of query/trust.rs). One that has is believed when the next is as short.
-- Inputs: listed_rows, loads.
WITH loaded AS (
  SELECT
    load_id,
    max(feed) AS feed,
    max(content) AS content,
    max(rows - quarantined) FILTER (WHERE kind = 'grants') AS lines,
    bool_or(damage IS NOT NULL OR coalesce(quarantined > $unread_max * rows, FALSE)) AS damaged
  FROM loads
  GROUP BY load_id
),
counted AS (
  SELECT
    s.row_kind,
    s.app_id,
    coalesce(max(l.feed), '') AS feed,
    s.listing_id,
    coalesce(max(l.content), s.listing_id) AS content,
    max(s.listed_at) AS listed_at,
    max(s.ingested_at) AS ingested_at,
    bool_and(s.complete) AND NOT coalesce(bool_or(l.damaged), FALSE) AS complete,
    -- A line that says that a grant is over names none and is no loss.
    greatest(sum(s.rows), coalesce(max(l.lines) FILTER (WHERE s.row_kind = 'grant'), 0)) AS rows
  FROM listed_rows AS s
  LEFT JOIN loaded AS l
    ON l.load_id = s.listing_id
  GROUP BY s.row_kind, s.app_id, s.listing_id
),
compared AS (
  SELECT
    row_kind,
    app_id,
    feed,
    listing_id,
    content,
    listed_at,
    ingested_at,
    complete,
    rows,
    lag(rows) OVER (
      PARTITION BY row_kind, app_id, feed, complete
      ORDER BY listed_at, ingested_at, listing_id
    ) AS previous_rows
  FROM counted
),
-- What is read again comes after what was before it when it was read first, and not after itself.
reread AS (
  SELECT
    row_kind,
    app_id,
    feed,
    listing_id,
    listed_at,
    ingested_at,
    complete,
    rows,
    first_value(previous_rows) OVER (
      PARTITION BY row_kind, app_id, feed, complete, listed_at, content
      ORDER BY ingested_at, listing_id
    ) AS previous_rows
  FROM compared
)
SELECT
  row_kind,
  app_id,
  feed,
  listing_id,
  listed_at,
  ingested_at,
  complete,
  rows,
  previous_rows,
  complete AND (
    previous_rows IS NULL
    OR previous_rows - rows <= greatest(
      least($shrink_rows_min, greatest($shrink_always, $shrink_few_max * previous_rows)),
      $shrink_max * previous_rows
    )
  ) AS trusted
FROM reread

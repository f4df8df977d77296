-- Grain: one full roster, with its feed as in `loads`. `trusted` as in `listings`; `unread` where nothing speaks against it but
-- that some of its lines could not be read: whom it does not name may be in these.
-- Columns: listing_id, feed, listed_at, rows, previous_rows, trusted, unread.
-- Inputs: employments_raw, loads.
WITH counted AS (
  SELECT
    e.listing_id,
    coalesce(max(l.feed), '') AS feed,
    coalesce(max(l.content), e.listing_id) AS content,
    max(e.listed_at) AS listed_at,
    max(e.ingested_at) AS ingested_at,
    bool_and(e.complete) AND NOT bool_or(l.damage IS NOT NULL OR coalesce(l.quarantined > $unread_max * l.rows, FALSE)) AS complete,
    bool_and(e.complete) AND NOT bool_or(l.damage IS NOT NULL)
      AND bool_or(coalesce(l.quarantined > $unread_max * l.rows, FALSE)) AS unread,
    count(*) AS rows
  FROM employments_raw AS e
  LEFT JOIN loads AS l
    ON l.load_id = e.listing_id
  WHERE e.listed_at <= $as_of
    AND e.ingested_at <= $known_at
  GROUP BY e.listing_id
),
compared AS (
  SELECT
    listing_id,
    feed,
    content,
    listed_at,
    ingested_at,
    complete,
    unread,
    rows,
    lag(rows) OVER (
      PARTITION BY feed, complete
      ORDER BY listed_at, ingested_at, listing_id
    ) AS previous_rows
  FROM counted
),
reread AS (
  SELECT
    listing_id,
    feed,
    listed_at,
    complete,
    unread,
    rows,
    first_value(previous_rows) OVER (
      PARTITION BY feed, complete, listed_at, content
      ORDER BY ingested_at, listing_id
    ) AS previous_rows
  FROM compared
)
SELECT
  listing_id,
  feed,
  listed_at,
  rows,
  previous_rows,
  complete AND (
    previous_rows IS NULL
    OR previous_rows - rows <= greatest(
      least($shrink_rows_min, greatest($shrink_always, $shrink_few_max * previous_rows)),
      $shrink_max * previous_rows
    )
  ) AS trusted,
  coalesce(unread, FALSE) AS unread
FROM reread

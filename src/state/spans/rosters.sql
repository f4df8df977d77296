-- Grain: one full roster. `trusted` as in `listings`: it has not shrunk by more than
-- max(20 rows, 2 %), the guard of PRV-11.
-- Inputs: employments_raw.
WITH counted AS (
  SELECT
    listing_id,
    max(listed_at) AS listed_at,
    bool_and(complete) AS complete,
    count(*) AS rows
  FROM employments_raw
  WHERE listed_at <= $as_of
    AND ingested_at <= $known_at
  GROUP BY listing_id
),
compared AS (
  SELECT
    listing_id,
    listed_at,
    complete,
    rows,
    lag(rows) OVER (PARTITION BY complete ORDER BY listed_at, listing_id) AS previous_rows
  FROM counted
)
SELECT
  listing_id,
  listed_at,
  rows,
  previous_rows,
  complete AND (
    previous_rows IS NULL
    OR previous_rows - rows <= greatest(20.0, 0.02 * previous_rows)
  ) AS trusted
FROM compared

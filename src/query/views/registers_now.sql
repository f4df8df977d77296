-- Grain: one line of one register, as known at $known_at.
-- A line of control totals speaks of one file of one day, so every one of them stays. An object may have
-- several owners, and two applications an entitlement of one id: owners are told apart by all their columns.
-- Columns: kind, key, attributes (JSON object of canonical columns).
-- Inputs: registers.
WITH known AS (
  SELECT kind, key, attributes, listed_at, ingested_at, listing_id, complete
  FROM registers
  WHERE listed_at <= $as_of
    AND ingested_at <= $known_at
),
newest AS (
  SELECT kind, max(listed_at) AS listed_at
  FROM known
  WHERE complete
  GROUP BY kind
),
ranked AS (
  SELECT
    k.kind,
    k.key,
    k.attributes,
    row_number() OVER (
      PARTITION BY k.kind, k.key, CASE WHEN k.kind IN ('control_totals', 'owners') THEN k.attributes END
      ORDER BY k.listed_at DESC, k.ingested_at DESC, k.listing_id DESC, k.attributes
    ) AS age
  FROM known AS k
  LEFT JOIN newest AS n
    ON n.kind = k.kind
  WHERE n.listed_at IS NULL
    OR k.listed_at >= n.listed_at
    OR k.kind = 'control_totals'
)
SELECT kind, key, attributes
FROM ranked
WHERE age = 1
ORDER BY kind, key, attributes

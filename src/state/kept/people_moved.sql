-- Grain: one person who began, ended or was last listed since the checkpoint was made, or one roster of which something
-- else is thought now.
-- Inputs: employments, rosters, base_rosters.
SELECT employee_id AS id
FROM employments
WHERE (start_at > $base_as_of AND start_at <= $as_of)
  OR (end_at > $base_as_of AND end_at <= $as_of)
  OR (listed_at > $base_as_of AND listed_at <= $as_of)
UNION ALL
SELECT coalesce(n.listing_id, b.listing_id)
FROM rosters AS n
FULL JOIN base_rosters AS b
  ON b.listing_id = n.listing_id
  AND b.listed_at = n.listed_at
  AND b.feed = n.feed
  AND b.rows = n.rows
  AND b.trusted IS NOT DISTINCT FROM n.trusted
WHERE n.listing_id IS NULL
  OR b.listing_id IS NULL

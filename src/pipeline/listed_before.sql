-- Grain: one listing that was read, with what it lists and which it continues; oldest first.
-- Inputs: sources.
SELECT
  load_id,
  kind,
  app_id,
  coalesce(feed, feed_name(file)) AS feed,
  file,
  listed_at,
  complete,
  content_sha256
FROM sources
WHERE kind <> 'events'
ORDER BY listed_at, ingested_at, load_id

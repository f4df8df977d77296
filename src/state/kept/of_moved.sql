-- Grain: one account of somebody one of whose accounts is worked out again.
-- Inputs: links, moved_links (of these accounts, now and when the checkpoint was made).
SELECT l.app_id, l.account_id
FROM links AS l
LEFT SEMI JOIN moved_links AS m
  ON m.identity_id = l.identity_id

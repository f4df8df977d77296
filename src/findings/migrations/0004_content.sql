-- Version 4: a finding that a run says in the same words as the one before is not written again.

-- Hash of what the last run that told of the finding said; empty when it told of it no more.
ALTER TABLE findings ADD COLUMN content TEXT NOT NULL DEFAULT '';
-- The instants of that run; those in `finding` are of the run that wrote it.
ALTER TABLE findings ADD COLUMN as_of INTEGER;
ALTER TABLE findings ADD COLUMN known_at INTEGER;

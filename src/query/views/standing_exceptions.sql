-- Grain: one line of the register of exceptions that has effect at `as_of`: somebody approved it for a reason, it has begun,
-- and it has an end that is to come. One without any of these excepts nothing (GOV-04 reports it).
-- Columns: exception_id, kind and subject (lower-cased), app_id, detector (upper-cased).
-- Inputs: exceptions.
SELECT
  exception_id,
  lower(kind) AS kind,
  lower(trim(subject)) AS subject,
  app_id,
  upper(detector) AS detector
FROM exceptions
WHERE valid_until > $as_of
  AND (valid_from IS NULL OR valid_from <= $as_of)
  AND coalesce(trim(reason), '') <> ''
  AND coalesce(trim(approver), '') <> ''
  AND subject IS NOT NULL

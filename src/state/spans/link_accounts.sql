-- Grain: one account that anyone ever named and that is to be linked, with what linking needs.
-- Columns: app_id, account_id, account_key, account_name, display_name, email, external_id, employee_id, class (as
-- listed), declared_class (by the registers), created_at.
-- An id without its application that is somebody's number or address names that person, not an account.
-- Inputs: linked_attributes, reg_non_human_identities, standing_exceptions, people_aliases.
WITH declared AS (
  SELECT app_id, lower(account_id) AS alias, max(class) AS class
  FROM reg_non_human_identities
  GROUP BY app_id, lower(account_id)
),
emergency AS (
  SELECT DISTINCT x.subject AS alias, x.app_id
  FROM standing_exceptions AS x
  LEFT JOIN people_aliases AS p
    ON p.alias = x.subject
  WHERE x.kind = 'break_glass'
    AND (x.app_id IS NOT NULL OR p.alias IS NULL)
)
SELECT
  a.app_id,
  a.account_id,
  a.account_key,
  a.account_name,
  a.display_name,
  a.email,
  a.external_id,
  a.employee_id,
  a.class,
  CASE WHEN e.alias IS NOT NULL THEN 'break_glass' ELSE d.class END AS declared_class,
  coalesce(a.created_at, a.first_stated_at) AS created_at
FROM linked_attributes AS a
LEFT JOIN declared AS d
  ON d.app_id = a.app_id
  AND (d.alias = lower(a.account_id))
LEFT JOIN emergency AS e
  ON (e.alias = lower(a.account_id) OR e.alias = lower(concat(a.app_id, '/', a.account_id)))
  AND (e.app_id IS NULL OR e.app_id = a.app_id)

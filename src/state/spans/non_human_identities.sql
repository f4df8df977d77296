-- Grain: one declared non-human identity, with how many of its sponsors still work here.
-- Columns: app_id, account_id, name, class, sponsors (as registered), privileged, purpose, sponsor_ids (identities,
-- with `;` between), sponsors_total, active_sponsors.
-- Inputs: reg_non_human_identities, people_aliases, identities_now.
WITH sponsors AS (
  SELECT
    app_id,
    account_id,
    trim(unnest(string_to_array(coalesce(sponsors, ''), ';'))) AS sponsor
  FROM reg_non_human_identities
),
resolved AS (
  SELECT
    s.app_id,
    s.account_id,
    count(*) AS sponsors_total,
    count(CASE WHEN i.employed THEN 1 END) AS active_sponsors,
    string_agg(p.identity_id, ';' ORDER BY p.identity_id) AS sponsor_ids
  FROM sponsors AS s
  LEFT JOIN people_aliases AS p
    ON p.alias = lower(s.sponsor)
  LEFT JOIN identities_now AS i
    ON i.identity_id = p.identity_id
  WHERE s.sponsor <> ''
  GROUP BY s.app_id, s.account_id
)
SELECT
  r.app_id,
  r.account_id,
  r.name,
  r.class,
  r.sponsors,
  r.privileged,
  r.purpose,
  q.sponsor_ids,
  coalesce(q.sponsors_total, 0) AS sponsors_total,
  coalesce(q.active_sponsors, 0) AS active_sponsors
FROM reg_non_human_identities AS r
LEFT JOIN resolved AS q
  ON q.app_id = r.app_id
  AND q.account_id = r.account_id

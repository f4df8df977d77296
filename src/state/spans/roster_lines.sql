-- Grain: one line of a roster. A number that different people have in different feeds is told from the other by its feed,
-- also where it names a manager.
-- Columns: those of `employments_raw`.
-- Inputs: employments_raw, loads, shared_numbers.
SELECT
  e.* EXCEPT (employee_id, manager),
  CASE
    WHEN n.employee_id IS NOT NULL AND l.feed <> '' THEN concat(e.employee_id, ' (', l.feed, ')')
    ELSE e.employee_id
  END AS employee_id,
  CASE
    WHEN m.employee_id IS NOT NULL AND l.feed <> '' THEN concat(e.manager, ' (', l.feed, ')')
    ELSE e.manager
  END AS manager
FROM employments_raw AS e
LEFT JOIN loads AS l
  ON l.load_id = e.listing_id
LEFT JOIN shared_numbers AS n
  ON n.employee_id = e.employee_id
LEFT JOIN shared_numbers AS m
  ON m.employee_id = e.manager

-- Grain: one account; the newest value that anyone stated of each attribute.
-- Columns: app_id, account_id, account_name, display_name, email, external_id, employee_id,
-- status, class, created_at, last_active_at, expires_at, mfa, local_login, privileged,
-- listed_at, first_stated_at.
-- The newest statement of each attribute is found by its number and fetched by it, because an
-- ordered aggregate an account and attribute costs several times as much.
-- Inputs: account_statements.
WITH newest AS (
  SELECT
    app_id,
    account_id,
    max(CASE WHEN account_name IS NOT NULL THEN n END) AS account_name_n,
    max(CASE WHEN display_name IS NOT NULL THEN n END) AS display_name_n,
    max(CASE WHEN email IS NOT NULL THEN n END) AS email_n,
    max(CASE WHEN external_id IS NOT NULL THEN n END) AS external_id_n,
    max(CASE WHEN employee_id IS NOT NULL THEN n END) AS employee_id_n,
    max(CASE WHEN status IS NOT NULL THEN n END) AS status_n,
    max(CASE WHEN class IS NOT NULL THEN n END) AS class_n,
    max(CASE WHEN expires_at IS NOT NULL THEN n END) AS expires_at_n,
    max(CASE WHEN mfa IS NOT NULL THEN n END) AS mfa_n,
    max(CASE WHEN local_login IS NOT NULL THEN n END) AS local_login_n,
    max(CASE WHEN privileged IS NOT NULL THEN n END) AS privileged_n,
    min(created_at) AS created_at,
    max(last_active_at) AS last_active_at,
    max(listed_at) AS listed_at,
    min(at) AS first_stated_at
  FROM account_statements
  GROUP BY app_id, account_id
)
SELECT
  a.app_id,
  a.account_id,
  by_account_name.account_name,
  by_display_name.display_name,
  by_email.email,
  by_external_id.external_id,
  by_employee_id.employee_id,
  by_status.status,
  by_class.class,
  a.created_at,
  a.last_active_at,
  by_expires_at.expires_at,
  by_mfa.mfa,
  by_local_login.local_login,
  by_privileged.privileged,
  a.listed_at,
  a.first_stated_at
FROM newest AS a
LEFT JOIN account_statements AS by_account_name
  ON by_account_name.n = a.account_name_n
LEFT JOIN account_statements AS by_display_name
  ON by_display_name.n = a.display_name_n
LEFT JOIN account_statements AS by_email
  ON by_email.n = a.email_n
LEFT JOIN account_statements AS by_external_id
  ON by_external_id.n = a.external_id_n
LEFT JOIN account_statements AS by_employee_id
  ON by_employee_id.n = a.employee_id_n
LEFT JOIN account_statements AS by_status
  ON by_status.n = a.status_n
LEFT JOIN account_statements AS by_class
  ON by_class.n = a.class_n
LEFT JOIN account_statements AS by_expires_at
  ON by_expires_at.n = a.expires_at_n
LEFT JOIN account_statements AS by_mfa
  ON by_mfa.n = a.mfa_n
LEFT JOIN account_statements AS by_local_login
  ON by_local_login.n = a.local_login_n
LEFT JOIN account_statements AS by_privileged
  ON by_privileged.n = a.privileged_n

"""What somebody who knows DuckDB would write to know who holds what, and to ask nine questions of it.

usage: duck_state.py STEP COMPANY WORK [THREADS]
COMPANY and WORK are as in state.py. Steps: `load` (files to Parquet), `fold` (events to state), `ask` (the nine
questions over Parquet), `resident` (the same over tables in memory whose ids are numbers), `keep` (a database with
keys, of all events but the last), `renew` (the last events into it, and the questions about those whom they touch).
Prints JSON: `answers`, and `cpu` where the step is timed within the process.
"""

import json
import os
import shutil
import sys
import time

import duckdb

from duck import source

STATE = {
    "lifecycles": (
        "account_id",
        "SELECT account_id, arg_max(event_type, occurred_at) AS last, max(occurred_at) AS at FROM events "
        "WHERE event_type IN ('user.lifecycle.deactivate', 'user.lifecycle.activate') AND outcome = 'SUCCESS' "
        "AND account_id IS NOT NULL GROUP BY account_id",
    ),
    "memberships": (
        "account_id, group_name",
        "SELECT account_id, group_name, arg_max(event_type, occurred_at) AS last, max(occurred_at) AS at FROM events "
        "WHERE event_type IN ('group.user_membership.add', 'group.user_membership.remove') AND outcome = 'SUCCESS' "
        "AND account_id IS NOT NULL GROUP BY account_id, group_name",
    ),
    "assignments": (
        "account_id, app_id",
        "SELECT account_id, app_id, arg_max(event_type, occurred_at) AS last, max(occurred_at) AS at FROM events "
        "WHERE event_type IN ('application.user_membership.add', 'application.user_membership.remove') "
        "AND account_id IS NOT NULL AND app_id IS NOT NULL GROUP BY account_id, app_id",
    ),
    "signins": (
        "account_id",
        "SELECT actor_id AS account_id, max(occurred_at) AS last_at, count(*) AS uses FROM events "
        "WHERE event_type IN ('user.session.start', 'user.authentication.sso') AND outcome = 'SUCCESS' GROUP BY actor_id",
    ),
    "uses": (
        "account_id, app_id",
        "SELECT actor_id AS account_id, app_id, max(occurred_at) AS last_at, count(*) AS uses FROM events "
        "WHERE event_type = 'user.authentication.sso' AND outcome = 'SUCCESS' AND app_id IS NOT NULL "
        "GROUP BY actor_id, app_id",
    ),
}

NOW = "TIMESTAMP '2026-01-01 00:00:00'"
QUARTER = f"{NOW} - INTERVAL 90 DAY"
QUESTIONS = {
    "accounts of leavers": "SELECT a.account_id FROM accounts a JOIN people p USING (employee_id) "
    f"WHERE p.status = 'terminated' AND p.termination_date < DATE '2026-01-01' AND a.status = 'active'",
    "logins of leavers": "SELECT i.user_id FROM logins i JOIN people p USING (employee_id) "
    "WHERE p.status = 'terminated' AND i.status = 'ACTIVE'",
    "dormant": "SELECT i.user_id FROM logins i JOIN signins s ON s.account_id = i.user_id "
    f"WHERE i.status = 'ACTIVE' AND s.last_at < {QUARTER}",
    "never signed in": "SELECT i.user_id FROM logins i LEFT JOIN signins s ON s.account_id = i.user_id "
    f"WHERE i.status = 'ACTIVE' AND i.created < {NOW} - INTERVAL 30 DAY AND s.account_id IS NULL",
    "orphaned": "SELECT a.account_id FROM accounts a LEFT JOIN people p USING (employee_id) "
    "WHERE a.status = 'active' AND p.employee_id IS NULL",
    "unused": "SELECT g.grant_id FROM grants g JOIN accounts a USING (account_id) "
    f"WHERE a.status = 'active' AND g.granted_at < {QUARTER} "
    f"AND NOT EXISTS (SELECT 1 FROM uses u WHERE u.account_id = a.user_id AND u.app_id = a.app_id AND u.last_at >= {QUARTER})",
    "expired": "SELECT g.grant_id FROM grants g JOIN accounts a USING (account_id) "
    f"WHERE a.status = 'active' AND g.expires_at < {NOW}",
    "unlike their peers": "WITH held AS (SELECT p.department, g.app_id, g.entitlement, g.grant_id, p.employee_id FROM grants g "
    "JOIN accounts a USING (account_id) JOIN people p USING (employee_id) WHERE a.status = 'active' AND p.status = 'active'), "
    "departments AS (SELECT department, count(*) AS size FROM people WHERE status = 'active' GROUP BY department), "
    "holders AS (SELECT department, app_id, entitlement, count(DISTINCT employee_id) AS size FROM held GROUP BY ALL) "
    "SELECT held.grant_id FROM held JOIN holders h USING (department, app_id, entitlement) JOIN departments d USING (department) "
    "WHERE d.size >= 20 AND h.size * 50 < d.size",
    "two duties": "WITH sides AS (SELECT rule_id, app_a AS app_id, entitlement_a AS entitlement, true AS is_first FROM duties "
    "UNION ALL SELECT rule_id, app_b, entitlement_b, false FROM duties), "
    "reached AS (SELECT s.rule_id, a.employee_id, bool_or(s.is_first) AS first, bool_or(NOT s.is_first) AS second FROM sides s "
    "JOIN grants g USING (app_id, entitlement) JOIN accounts a USING (account_id) "
    "WHERE a.status = 'active' AND a.employee_id IS NOT NULL GROUP BY s.rule_id, a.employee_id) "
    "SELECT rule_id, employee_id FROM reached WHERE first AND second",
}
FILES = {"people": "hr_roster", "logins": "idp_users", "accounts": "app_accounts", "grants": "grants", "duties": "sod_rules"}
TIMES = {"logins": ["created"], "accounts": ["created_at"], "grants": ["granted_at", "expires_at"]}
EVENT_COLUMNS = "event_id, occurred_at, event_type, outcome, actor_id, account_id, app_id, group_name"
# Each column of ids, and the kind of thing that it names.
IDS = {
    "people": {"employee_id": "person"},
    "logins": {"user_id": "login", "employee_id": "person"},
    "accounts": {"account_id": "account", "app_id": "app", "user_id": "login", "employee_id": "person"},
    "grants": {"grant_id": "grant", "account_id": "account", "app_id": "app", "entitlement": "entitlement"},
    "duties": {"rule_id": "rule", "app_a": "app", "entitlement_a": "entitlement", "app_b": "app", "entitlement_b": "entitlement"},
    "signins": {"account_id": "login"},
    "uses": {"account_id": "login", "app_id": "app"},
}


def asked(connection) -> dict[str, int]:
    answers = {}
    for name, question in QUESTIONS.items():
        connection.execute(f"CREATE OR REPLACE TEMP TABLE found AS {question}")
        answers[name] = connection.execute("SELECT count(*) FROM found").fetchone()[0]
    return answers


def parquet(connection, work: str, tables) -> None:
    for table in tables:
        connection.execute(f"CREATE VIEW {table} AS SELECT * FROM '{work}/{table}.parquet'")


def load(connection, company: str, work: str):
    for table, file in FILES.items():
        types = ", ".join(f"'{column}': 'TIMESTAMP'" for column in TIMES.get(table, []))
        given = f"read_csv('{company}/{file}.csv', header = true, types = {{{types}}})" if types else f"read_csv('{company}/{file}.csv', header = true)"
        connection.execute(f"COPY (SELECT * FROM {given}) TO '{work}/{table}.parquet' (FORMAT parquet, COMPRESSION zstd)")
    for name, file in (("events", f"{company}/events.jsonl"), ("last", f"{work}/last.jsonl")):
        connection.execute(f"CREATE TEMP TABLE given AS SELECT {EVENT_COLUMNS} FROM ({source(file, 'columns')})")
        connection.execute("CREATE TEMP TABLE repeated AS SELECT event_id, min(rowid) AS first FROM given GROUP BY event_id HAVING count(*) > 1")
        connection.execute(
            f"COPY (SELECT given.* FROM given LEFT JOIN repeated USING (event_id) WHERE first IS NULL OR given.rowid = first) "
            f"TO '{work}/{name}.parquet' (FORMAT parquet, COMPRESSION zstd)"
        )
        connection.execute("DROP TABLE given; DROP TABLE repeated")


def fold(connection, company: str, work: str):
    parquet(connection, work, ["events"])
    answers = {}
    for name, (_, question) in STATE.items():
        connection.execute(f"COPY ({question}) TO '{work}/{name}.parquet' (FORMAT parquet, COMPRESSION zstd)")
        answers[name] = connection.execute(f"SELECT count(*) FROM '{work}/{name}.parquet'").fetchone()[0]
    return {"answers": answers}


def ask(connection, company: str, work: str):
    parquet(connection, work, [*FILES, *STATE])
    return {"answers": asked(connection)}


def resident(connection, company: str, work: str):
    for kind in sorted({kind for columns in IDS.values() for kind in columns.values()}):
        named = [f"SELECT {column} AS id FROM '{work}/{table}.parquet'" for table, columns in IDS.items() for column in columns if columns[column] == kind]
        connection.execute(f"CREATE TABLE {kind}_ids AS SELECT id, row_number() OVER ()::INTEGER AS number FROM ({' UNION '.join(named)}) WHERE id IS NOT NULL")
    for table, columns in IDS.items():
        numbers = ", ".join(f"{column}_of.number AS {column}" for column in columns)
        joins = " ".join(f"LEFT JOIN {kind}_ids {column}_of ON {column}_of.id = t.{column}" for column, kind in columns.items())
        connection.execute(f"CREATE TABLE {table} AS SELECT t.* REPLACE ({numbers}) FROM '{work}/{table}.parquet' t {joins}")
    asked(connection)
    began = time.process_time()
    answers = asked(connection)
    return {"answers": answers, "cpu": time.process_time() - began}


def keep(connection, company: str, work: str):
    for table in FILES:
        connection.execute(f"CREATE TABLE {table} AS SELECT * FROM '{work}/{table}.parquet'")
    connection.execute(f"CREATE TABLE events AS SELECT * FROM '{work}/events.parquet' WHERE event_id NOT IN (SELECT event_id FROM '{work}/last.parquet')")
    for name, (key, question) in STATE.items():
        connection.execute(f"CREATE TABLE {name} AS {question}; ALTER TABLE {name} ADD PRIMARY KEY ({key})")
    connection.execute("CREATE INDEX by_user ON accounts (user_id); CREATE INDEX by_account ON grants (account_id); CREATE INDEX by_event ON events (event_id); CHECKPOINT")


def renew(connection, company: str, work: str):
    began = time.process_time()
    connection.execute(f"CREATE TEMP TABLE given AS SELECT DISTINCT ON (event_id) {EVENT_COLUMNS} FROM ({source(work + '/last.jsonl', False)})")
    connection.execute("CREATE TEMP TABLE news AS SELECT * FROM given WHERE event_id NOT IN (SELECT event_id FROM events)")
    connection.execute("BEGIN")
    connection.execute("INSERT INTO events SELECT * FROM news")
    for name, (_, question) in STATE.items():
        of_news = question.replace("FROM events", "FROM news")
        if name in ("signins", "uses"):
            change = f"last_at = greatest({name}.last_at, excluded.last_at), uses = {name}.uses + excluded.uses"
        else:
            change = f'last = CASE WHEN excluded."at" >= {name}."at" THEN excluded.last ELSE {name}.last END, "at" = greatest({name}."at", excluded."at")'
        connection.execute(f"INSERT INTO {name} {of_news} ON CONFLICT DO UPDATE SET {change}")
    connection.execute("COMMIT")
    connection.execute("CREATE TEMP TABLE touched AS SELECT DISTINCT id FROM (SELECT actor_id AS id FROM news UNION ALL SELECT account_id FROM news)")
    for table, column in (("logins", "user_id"), ("accounts", "user_id")):
        connection.execute(f"CREATE TEMP TABLE t_{table} AS SELECT t.* FROM {table} t JOIN touched ON touched.id = t.{column}")
    connection.execute("CREATE TEMP TABLE t_grants AS SELECT g.* FROM grants g JOIN t_accounts USING (account_id)")
    for name, question in QUESTIONS.items():
        # Sign-ins change no peer groups.
        if name == "unlike their peers":
            continue
        for table in ("logins", "accounts", "grants"):
            question = question.replace(f" {table} ", f" t_{table} ")
        connection.execute(f"CREATE OR REPLACE TEMP TABLE found AS {question}")
    cpu = time.process_time() - began
    # What it knows now, for comparison with a full run.
    return {"answers": asked(connection), "cpu": cpu}


def main() -> None:
    step, company, work, *threads = sys.argv[1:]
    kept = f"{work}/kept.duckdb"
    if step == "keep" and os.path.exists(kept):
        os.remove(kept)
    if step == "renew":
        shutil.copy(kept, f"{work}/renewed.duckdb")
    database = {"keep": kept, "renew": f"{work}/renewed.duckdb"}.get(step, ":memory:")
    connection = duckdb.connect(database)
    connection.execute(f"SET threads = {threads[0] if threads else 2}; SET preserve_insertion_order = {str(step == 'load').lower()}")
    connection.execute(f"SET temp_directory = '{work}/spill'")
    told = globals()[step](connection, company, work)
    print(json.dumps(told or {}))


if __name__ == "__main__":
    main()

"""What somebody who knows DuckDB would write to know who held what at any instant, of events alone: what `rebuild` keeps.

usage: duck_history.py EVENTS_PARQUET OUT_FOLDER [THREADS]
EVENTS_PARQUET is what duck.py makes. Tables are called as Lychgate calls what has the same rows. Prints JSON: of each
table its rows, and what its instants come to.
"""

import json
import os
import shutil
import sys

import duckdb

USES = "('user.session.start', 'user.authentication.sso', 'user.authentication.auth_via_mfa')"
STATED = "outcome = 'SUCCESS' AND account_id IS NOT NULL"
# Which stretches follow from words that say yes or no, or how it is: one begins where another word is said than before.
SPANS = (
    "WITH words AS ({words}), "
    "turns AS (SELECT *, lag(word) OVER w AS earlier FROM words WINDOW w AS (PARTITION BY {of} ORDER BY valid_from, event_id)), "
    "ends AS (SELECT * EXCLUDE (earlier), lead(valid_from) OVER w AS valid_to FROM turns WHERE earlier IS DISTINCT FROM word "
    "WINDOW w AS (PARTITION BY {of} ORDER BY valid_from, event_id)) "
    "SELECT * FROM ends WHERE (valid_to IS NULL OR valid_to > valid_from)"
)
# In this order: those that follow read what those before wrote.
TABLES = {
    "known_changes": f"SELECT * FROM events WHERE event_type NOT IN {USES}",
    "grant_spans": SPANS.format(
        words="SELECT account_id, CASE WHEN group_id IS NULL THEN 'app' ELSE 'group' END AS kind, "
        "coalesce(group_id, app_id) AS entitlement_id, coalesce(group_name, app_name) AS entitlement_name, actor_name, "
        "occurred_at AS valid_from, event_id, event_type LIKE '%.add' AS word FROM known_changes WHERE event_type IN "
        "('group.user_membership.add', 'group.user_membership.remove', 'application.user_membership.add', "
        f"'application.user_membership.remove') AND {STATED}",
        of="account_id, kind, entitlement_id",
    )
    + " AND word",
    "former_names": f"SELECT DISTINCT account_id, lower(account_name) AS name FROM known_changes WHERE {STATED} AND account_name IS NOT NULL",
    "app_uses": "SELECT actor_id AS account_id, app_id, app_name, event_type, outcome, "
    "CASE WHEN outcome = 'FAILURE' THEN occurred_at END AS failed_at, min(occurred_at) AS first_at, "
    f"max(occurred_at) AS last_at, count(*) AS uses FROM events WHERE event_type IN {USES} GROUP BY ALL",
    # An account that only succeeded in something is there, in a state that nobody told.
    "account_spans": SPANS.format(
        words="SELECT account_id, occurred_at AS valid_from, event_id, event_type = 'user.lifecycle.activate' AS word FROM known_changes "
        f"WHERE event_type IN ('user.lifecycle.deactivate', 'user.lifecycle.activate') AND {STATED}",
        of="account_id",
    )
    + " UNION ALL SELECT account_id, min(seen_at), NULL, NULL, NULL FROM ("
    f"SELECT account_id, occurred_at AS seen_at FROM known_changes WHERE {STATED} AND event_type NOT LIKE 'application.provision.%' "
    "UNION ALL SELECT account_id, first_at FROM app_uses WHERE failed_at IS NULL AND account_id IS NOT NULL) "
    "WHERE account_id NOT IN (SELECT account_id FROM known_changes "
    f"WHERE event_type IN ('user.lifecycle.deactivate', 'user.lifecycle.activate') AND {STATED}) GROUP BY account_id",
    "account_attributes": "WITH changed AS (SELECT account_id, arg_max(account_name, occurred_at) AS account_name, "
    "min(occurred_at) AS first_stated_at FROM known_changes "
    f"WHERE {STATED} AND event_type NOT LIKE 'application.provision.%' GROUP BY account_id) "
    "SELECT * FROM changed UNION ALL SELECT u.account_id, max(e.actor_name), any_value(u.first_at) FROM ("
    "SELECT account_id, min(first_at) AS first_at FROM app_uses WHERE failed_at IS NULL "
    "AND account_id NOT IN (SELECT account_id FROM changed) GROUP BY account_id) u "
    "JOIN events e ON e.actor_id = u.account_id GROUP BY u.account_id",
    "event_hours": "SELECT DISTINCT date_trunc('hour', occurred_at) AS hour_at FROM events",
    "last_activity": "SELECT account_id, first_success_at, last_success_at, last_failure_at, "
    "coalesce((SELECT sum(uses) FROM app_uses f WHERE f.account_id = a.account_id AND f.failed_at > a.last_success_at), 0) AS since "
    "FROM (SELECT account_id, min(first_at) FILTER (failed_at IS NULL) AS first_success_at, "
    "max(last_at) FILTER (failed_at IS NULL) AS last_success_at, max(failed_at) AS last_failure_at "
    "FROM app_uses GROUP BY account_id) a",
    "grants_now": "SELECT g.*, s.word AS account_active FROM grant_spans g "
    "LEFT JOIN (SELECT account_id, word FROM account_spans WHERE valid_to IS NULL) s USING (account_id) WHERE g.valid_to IS NULL",
    "accounts_now": "SELECT s.*, a.* EXCLUDE (account_id) FROM account_spans s LEFT JOIN account_attributes a USING (account_id) "
    "WHERE s.valid_to IS NULL",
}
# An instant of each, compared by a sum too: of what a prime leaves of each.
INSTANTS = {
    "known_changes": "occurred_at",
    "account_spans": "valid_to",
    "grant_spans": "valid_to",
    "account_attributes": "first_stated_at",
    "app_uses": "last_at",
    "event_hours": "hour_at",
    "last_activity": "last_failure_at",
    "grants_now": "valid_from",
}
PRIME = 1_000_003


def main() -> None:
    events, out, *threads = sys.argv[1:]
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    connection = duckdb.connect()
    connection.execute(f"SET threads = {threads[0] if threads else 1}; SET preserve_insertion_order = false")
    connection.execute(f"SET temp_directory = '{out}/spill'")
    connection.execute(f"CREATE VIEW events AS SELECT * FROM '{events}'")
    for name, question in TABLES.items():
        # Written as it costs it least.
        connection.execute(f"COPY ({question}) TO '{out}/{name}.parquet' (FORMAT parquet, COMPRESSION uncompressed)")
        connection.execute(f"CREATE VIEW {name} AS SELECT * FROM '{out}/{name}.parquet'")
    answers = {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in TABLES}
    for name, column in INSTANTS.items():
        left = f"SELECT sum(epoch_us({column}) % {PRIME})::BIGINT FROM {name}"
        answers[f"{name}.{column}"] = connection.execute(left).fetchone()[0]
    print(json.dumps(answers))


if __name__ == "__main__":
    main()

"""What somebody who knows DuckDB would write to keep Okta events: a schema, not inference; the
first target of each type; one row an event id; Parquet with zstd.

usage: duck.py EVENTS OUT_FOLDER THREADS columns|context|raw
Prints the number of rows. With `context` it is also kept where and how each event came to be, in about as many
columns as Lychgate has; with `raw` the text of each line is kept beside its columns.
"""

import json
import os
import sys

import duckdb

PARTY = {"id": "VARCHAR", "type": "VARCHAR", "alternateId": "VARCHAR", "displayName": "VARCHAR"}
FIELDS = {
    "uuid": "VARCHAR",
    "published": "TIMESTAMP",
    "eventType": "VARCHAR",
    "actor": PARTY,
    "client": {"ipAddress": "VARCHAR", "userAgent": {"rawUserAgent": "VARCHAR"}},
    "outcome": {"result": "VARCHAR", "reason": "VARCHAR"},
    "target": [PARTY],
    "transaction": {"id": "VARCHAR"},
    "authenticationContext": {"externalSessionId": "VARCHAR"},
    "debugContext": {"debugData": {"privilegeGranted": "VARCHAR", "changedAttributes": "VARCHAR"}},
}
CONTEXT_FIELDS = FIELDS | {
    "displayMessage": "VARCHAR",
    "severity": "VARCHAR",
    "client": {
        "ipAddress": "VARCHAR",
        "device": "VARCHAR",
        "userAgent": {"rawUserAgent": "VARCHAR", "os": "VARCHAR", "browser": "VARCHAR"},
        "geographicalContext": {
            "city": "VARCHAR",
            "state": "VARCHAR",
            "country": "VARCHAR",
            "geolocation": {"lat": "DOUBLE", "lon": "DOUBLE"},
        },
    },
    "transaction": {"id": "VARCHAR", "type": "VARCHAR"},
    "authenticationContext": {"externalSessionId": "VARCHAR", "rootSessionId": "VARCHAR"},
    "securityContext": {"asNumber": "BIGINT", "isp": "VARCHAR", "isProxy": "BOOLEAN"},
    "debugContext": {
        "debugData": {
            name: "VARCHAR" for name in ("requestId", "requestUri", "risk", "behaviors", "deviceFingerprint")
        }
    },
}


def sql_type(kind) -> str:
    """A field as DuckDB's type."""
    if isinstance(kind, list):
        return sql_type(kind[0]) + "[]"
    if isinstance(kind, dict):
        return "STRUCT(" + ", ".join(f'"{name}" {sql_type(inner)}' for name, inner in kind.items()) + ")"
    return kind


def target(kind: str, field: str) -> str:
    """The field of the first target of a type: among the first four, as a list function is slower."""
    cases = " ".join(f"""WHEN target[{n}]."type" = '{kind}' THEN target[{n}]."{field}\"""" for n in (1, 2, 3, 4))
    return f"CASE {cases} END"


COLUMNS = {
    "event_id": "uuid",
    "occurred_at": "published",
    "event_type": '"eventType"',
    "actor_id": "actor.id",
    "actor_kind": 'actor."type"',
    "actor_login": 'actor."alternateId"',
    "actor_name": 'actor."displayName"',
    "account_id": target("User", "id"),
    "account_name": target("User", "alternateId"),
    "app_user_id": target("AppUser", "id"),
    "app_id": target("AppInstance", "id"),
    "app_name": target("AppInstance", "displayName"),
    "group_id": target("UserGroup", "id"),
    "group_name": target("UserGroup", "displayName"),
    "outcome": "outcome.result",
    "reason": "outcome.reason",
    "correlation_id": '"transaction".id',
    "session_id": '"authenticationContext"."externalSessionId"',
    "client_ip": 'client."ipAddress"',
    "user_agent": 'client."userAgent"."rawUserAgent"',
}
SAID = {
    "privileges": '"debugContext"."debugData"."privilegeGranted"',
    "changed": '"debugContext"."debugData"."changedAttributes"',
}
CONTEXT = {
    "message": '"displayMessage"',
    "severity": "severity",
    "client_os": 'client."userAgent".os',
    "client_browser": 'client."userAgent".browser',
    "client_device": "client.device",
    "client_city": 'client."geographicalContext".city',
    "client_state": 'client."geographicalContext".state',
    "client_country": 'client."geographicalContext".country',
    "latitude": 'client."geographicalContext".geolocation.lat',
    "longitude": 'client."geographicalContext".geolocation.lon',
    "root_session_id": '"authenticationContext"."rootSessionId"',
    "transaction_type": '"transaction"."type"',
    "as_number": '"securityContext"."asNumber"',
    "isp": '"securityContext".isp',
    "is_proxy": '"securityContext"."isProxy"',
    "request_id": '"debugContext"."debugData"."requestId"',
    "request_uri": '"debugContext"."debugData"."requestUri"',
    "risk": '"debugContext"."debugData".risk',
    "behaviors": '"debugContext"."debugData".behaviors',
    "device_fingerprint": '"debugContext"."debugData"."deviceFingerprint"',
}


def selected(columns: dict[str, str]) -> str:
    return ", ".join(f'{expression} AS "{name}"' for name, expression in columns.items())


def read(events: str, fields: dict, columns: dict[str, str]) -> str:
    schema = ", ".join(f"'{name}': '{sql_type(kind)}'" for name, kind in fields.items())
    return f"SELECT {selected(columns)} FROM read_json('{events}', format = 'newline_delimited', columns = {{{schema}}})"


def source(events: str, variant: str) -> str:
    if variant == "columns":
        return read(events, FIELDS, COLUMNS | SAID)
    if variant == "context":
        return read(events, CONTEXT_FIELDS, COLUMNS | CONTEXT)
    record = f"json_transform(json, '{json.dumps(FIELDS)}')"
    unpacked = f"SELECT json AS raw, {record} AS record FROM read_ndjson_objects('{events}')"
    return f"SELECT {selected(COLUMNS | SAID)}, raw FROM (SELECT raw, record.* FROM ({unpacked}))"


def main() -> None:
    events, out, threads, variant = sys.argv[1:5]
    os.makedirs(out, exist_ok=True)
    connection = duckdb.connect()
    connection.execute(f"SET threads = {int(threads)}; SET preserve_insertion_order = false")
    connection.execute(f"SET temp_directory = '{out}/spill'")
    connection.execute(f"CREATE TEMP TABLE given AS {source(events, variant)}")
    # Few ids repeat: a narrow pass finds them, and only they are ranked.
    connection.execute(
        "CREATE TEMP TABLE repeated AS SELECT event_id, min(rowid) AS first FROM given GROUP BY event_id HAVING count(*) > 1"
    )
    kept = "SELECT given.* FROM given LEFT JOIN repeated USING (event_id) WHERE repeated.first IS NULL OR given.rowid = repeated.first"
    connection.execute(f"COPY ({kept}) TO '{out}/events.parquet' (FORMAT parquet, COMPRESSION zstd)")
    print(connection.execute(f"SELECT count(*) FROM '{out}/events.parquet'").fetchone()[0])


if __name__ == "__main__":
    main()

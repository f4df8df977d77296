"""Reads the tables of a lake with readers that are not ours, column by column.

Takes the folder of a tenant's lake; standard input names the columns that are asked of each table, as JSON,
{"events": ["event_id", "occurred_at"]}. Prints one JSON line, {"polars": {"events": [[…], …]}, …}, with
rows in order and every value as text: instants in microseconds, null as null.

Polars reads the log by `deltalake` and the files itself; DuckDB reads the files that the log names, as
`read_lake.py` says; `deltalake` is delta-rs with its own DataFusion.
"""

import datetime
import json
import sys
from pathlib import Path

import deltalake
import duckdb
import polars

from read_lake import referenced_files

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
MICROSECOND = datetime.timedelta(microseconds=1)


def by_polars(table: str, columns: list[str]) -> list[tuple]:
    return polars.read_delta(table, columns=columns).select(columns).rows()


def by_duckdb(table: str, columns: list[str]) -> list[tuple]:
    files = referenced_files(table)
    if not files:
        return []
    # Files of different versions of the table differ in columns; the day is in their paths.
    relation = duckdb.read_parquet(files, union_by_name=True, hive_partitioning=True)
    lacking = [column for column in columns if column not in relation.columns]
    if lacking:
        # No file has the column yet: the log's schema says that it is there, and null.
        known = {field.name for field in deltalake.DeltaTable(table).schema().fields}
        unknown = [column for column in lacking if column not in known]
        if unknown:
            raise SystemExit(f"{table} has no column {unknown}")
    types = dict(zip(relation.columns, map(str, relation.types)))

    def asked(column: str) -> str:
        if column in lacking:
            return f'NULL AS "{column}"'
        return f'epoch_us("{column}")' if types[column].startswith("TIMESTAMP") else f'"{column}"'

    return relation.project(", ".join(map(asked, columns))).fetchall()


def by_deltalake(table: str, columns: list[str]) -> list[tuple]:
    builder = deltalake.QueryBuilder().register("rows_of", deltalake.DeltaTable(table))
    asked = ", ".join(f'"{column}"' for column in columns)
    batches = builder.execute(f"SELECT {asked} FROM rows_of")
    return polars.DataFrame(batches).rows()


def text(value: object) -> str | None:
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case datetime.datetime():
            return str((value - EPOCH) // MICROSECOND)
        case _:
            return str(value)


def in_order(rows: list[tuple]) -> list[list[str | None]]:
    return sorted(([text(value) for value in row] for row in rows), key=lambda row: [v or "" for v in row])


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: read_tables.py LAKE_FOLDER < COLUMNS.json", file=sys.stderr)
        return 2
    lake, asked = Path(sys.argv[1]), json.load(sys.stdin)
    readers = {"polars": by_polars, "duckdb": by_duckdb, "deltalake": by_deltalake}
    answers = {
        name: {table: in_order(read(str(lake / table), columns)) for table, columns in asked.items()}
        for name, read in readers.items()
    }
    print(json.dumps(answers))
    return 0


if __name__ == "__main__":
    sys.exit(main())

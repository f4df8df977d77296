"""Counts the rows of a Delta table with two readers that are not ours.

Takes the folder of the table; prints one JSON line, {"polars": n, "duckdb": n}. Polars goes through
the Delta log by `deltalake`. DuckDB reads the Parquet files that the log references, without its
Delta extension, because that is fetched from the network.
"""

import json
import sys
from pathlib import Path
from urllib.parse import unquote

import deltalake
import duckdb
import polars


def referenced_files(table: str) -> list[str]:
    """Paths of the files that the newest version of the log holds, with partitions decoded."""
    paths = []
    for uri in deltalake.DeltaTable(table).file_uris():
        path = Path(uri.removeprefix("file://"))
        paths.append(str(path if path.exists() else Path(unquote(str(path)))))
    return paths


def duckdb_count(files: list[str]) -> int:
    if not files:
        return 0
    return duckdb.execute("SELECT count(*) FROM read_parquet(?)", [files]).fetchone()[0]


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: read_lake.py TABLE_FOLDER", file=sys.stderr)
        return 2
    table = sys.argv[1]
    counts = {
        "polars": polars.read_delta(table, columns=["event_id"]).height,
        "duckdb": duckdb_count(referenced_files(table)),
    }
    print(json.dumps(counts))
    return 0


if __name__ == "__main__":
    sys.exit(main())

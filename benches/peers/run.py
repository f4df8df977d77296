"""Lychgate and DuckDB ingest the same events, turn by turn; prints medians and ratios.

usage: run.py EVENTS [--rounds N] [--threads N] [--program PATH]

EVENTS is a file of Okta System Log records, one a line: the logs that `lychgate simulate` writes,
concatenated, or a company's own. Processor time is user and system time of the whole process, as
the operating system counts it. The answers (rows kept) must agree, or nothing is compared.
Needs Python with `duckdb` (tests/python/requirements.txt).
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent


def timed(command: list[str]) -> tuple[str, float, float, float]:
    """Output, processor seconds, wall seconds and peak MiB of a command."""
    import time

    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    if os.waitstatus_to_exitcode(status) not in (0, 4):
        sys.exit(f"{command} failed")
    return output, usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024


def size_mb(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*.parquet") if "_delta_log" not in path.parts) / 1e6


def ours(program: str, events: str, folder: Path, threads: int, raw: bool):
    command = [program, "--data", str(folder), "-o", "json", "ingest", "--threads", str(threads), events]
    output, *figures = timed(command + ([] if raw else ["--no-raw"]))
    files = json.loads(output)
    files = files["files"] if isinstance(files, dict) else files
    return sum(file["new"] for file in files), figures, size_mb(folder / "lake/default/events")


def duckdb(events: str, folder: Path, threads: int, raw: bool):
    variant = "raw" if raw else "columns"
    output, *figures = timed([sys.executable, str(HERE / "duck.py"), events, str(folder), str(threads), variant])
    return int(output), figures, size_mb(folder)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("events")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--program", default=shutil.which("lychgate") or "target/release/lychgate")
    arguments = parser.parse_args()
    print("| kept | who | CPU-s | wall s | peak MiB | Parquet MB | DuckDB CPU ÷ ours |")
    print("|---|---|---|---|---|---|---|")
    for raw in (False, True):
        found = {"lychgate": [], "duckdb": []}
        for _ in range(arguments.rounds):
            for who, run in (("lychgate", lambda *a: ours(arguments.program, *a)), ("duckdb", duckdb)):
                with tempfile.TemporaryDirectory() as folder:
                    found[who].append(run(arguments.events, Path(folder), arguments.threads, raw))
        rows = {who: {result[0] for result in results} for who, results in found.items()}
        if len(set.union(*rows.values())) != 1:
            sys.exit(f"the answers differ: {rows}")
        cpu = {who: [result[1][0] for result in results] for who, results in found.items()}
        ratio = statistics.median(d / o for o, d in zip(cpu["lychgate"], cpu["duckdb"]))
        for who, results in found.items():
            median = [statistics.median(result[1][n] for result in results) for n in range(3)]
            size = results[0][2]
            last = f"{ratio:.2f}" if who == "lychgate" else ""
            kept = "columns and raw record" if raw else "columns"
            print(f"| {kept} | {who} | {median[0]:.2f} | {median[1]:.2f} | {median[2]:.0f} | {size:.1f} | {last} |")


if __name__ == "__main__":
    main()

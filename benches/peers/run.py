"""Lychgate and DuckDB ingest the same events, turn by turn; prints medians and ratios.

usage: run.py EVENTS [--rounds N] [--program PATH]

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


def lychgate(program: str, events: str, folder: Path, threads: int, *options: str):
    command = [program, "--data", str(folder), "-o", "json", "ingest", "--threads", str(threads), *options, events]
    output, *figures = timed(command)
    files = json.loads(output)
    files = files["files"] if isinstance(files, dict) else files
    return sum(file["new"] for file in files), figures, size_mb(folder / "lake/default/events")


def duckdb(program: str, events: str, folder: Path, threads: int, variant: str):
    output, *figures = timed([sys.executable, str(HERE / "duck.py"), events, str(folder), str(threads), variant])
    return int(output), figures, size_mb(folder)


ONE, TWO, RAW = "Lychgate", "Lychgate, two threads", "Lychgate, with raw records"
FEW, MANY, DUCK_RAW = "DuckDB, 22 columns", "DuckDB, 40 columns", "DuckDB, 22 columns and raw records"
RUNS = {
    ONE: (lychgate, 1, "--no-raw"),
    MANY: (duckdb, 1, "context"),
    FEW: (duckdb, 1, "columns"),
    TWO: (lychgate, 2, "--no-raw"),
    RAW: (lychgate, 1),
    DUCK_RAW: (duckdb, 1, "raw"),
}
CPU, WALL = 0, 1
RATIOS = [(MANY, ONE, CPU), (FEW, ONE, CPU), (DUCK_RAW, RAW, CPU), (ONE, TWO, WALL)]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("events")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--program", default=shutil.which("lychgate") or "target/release/lychgate")
    arguments = parser.parse_args()
    found = {who: [] for who in RUNS}
    for _ in range(arguments.rounds):
        for who, (run, *options) in RUNS.items():
            with tempfile.TemporaryDirectory() as folder:
                found[who].append(run(arguments.program, arguments.events, Path(folder), *options))
    rows = {who: {kept for kept, _, _ in results} for who, results in found.items()}
    if len(set.union(*rows.values())) != 1:
        sys.exit(f"the answers differ: {rows}")
    print("| who | CPU-s | wall s | peak MiB | Parquet MB |")
    print("|---|---|---|---|---|")
    for who, results in found.items():
        cpu, wall, peak = (statistics.median(figures[n] for _, figures, _ in results) for n in range(3))
        print(f"| {who} | {cpu:.2f} | {wall:.2f} | {peak:.0f} | {results[0][2]:.1f} |")
    for one, other, what in RATIOS:
        pairs = zip(found[one], found[other])
        ratio = statistics.median(a[what] / b[what] for (_, a, _), (_, b, _) in pairs)
        print(f"{('processor', 'wall')[what]} time, {one} ÷ {other}: {ratio:.2f}")


if __name__ == "__main__":
    main()

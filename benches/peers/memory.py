"""The memory that Lychgate takes to ingest histories of several lengths, and how it grows from the first to the last.

usage: memory.py EVENTS EVENTS [EVENTS...] [--program PATH]

EVENTS is a file as in run.py, or a pipe into which somebody writes: twenty million events are 50 GB that need not lie
on a disk. Peak memory is that of the whole process, as the operating system counts it.
"""

import argparse
import shutil
import tempfile
from pathlib import Path

from run import ONE, RUNS


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("events", nargs="+")
    parser.add_argument("--program", default=shutil.which("lychgate") or "target/release/lychgate")
    arguments = parser.parse_args()
    ingest, *options = RUNS[ONE]
    peaks = []
    print("| events | rows kept | CPU-s | peak MiB |")
    print("|---|---|---|---|", flush=True)
    for events in arguments.events:
        with tempfile.TemporaryDirectory() as folder:
            kept, (cpu, _, peak), _ = ingest(arguments.program, events, Path(folder), *options)
        peaks.append(peak)
        print(f"| {events} | {kept:,} | {cpu:.1f} | {peak:.0f} |", flush=True)
    print(f"\npeak memory, last ÷ first: {peaks[-1] / peaks[0]:.2f}")


if __name__ == "__main__":
    main()

"""Lychgate and DuckDB work out who holds what, ask nine questions of it, and take in what came since; turn by turn.

usage: state.py COMPANY [COMPANY...] [--rounds N] [--work FOLDER] [--program PATH]

COMPANY is a folder with what a company exports: `events.jsonl` (Okta System Log records, one a line), `hr_roster.csv`,
`idp_users.csv`, `app_accounts.csv`, `grants.csv` and `sod_rules.csv`, of up to 2026-01-01. What is made of it for both
is kept under `--work`. Processor time is user and system time, with one core for each side: of the whole process, but
for DuckDB's two resident steps, which are timed within theirs. Answers must agree, or nothing is compared.
Needs Linux, and Python with `duckdb` (tests/python/requirements.txt).
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import threading
from pathlib import Path

import duck_history
from run import HERE, timed

LAST = 10_000
TODAY = "2026-01-01"
COPIES = 5
UNMOVED = "unlike their peers"
SINCE = {"accounts_now": "accounts_since", "grants_now": "grants_since", "app_uses": "uses_since", "last_activity": "activity_since"}
STATE = (HERE / "state.sql").read_text()
QUESTIONS = (HERE / "questions.sql").read_text()


def pieces(company: Path, work: Path) -> None:
    """The exports as Lychgate expects them: a folder an application, and registers with its headings."""
    exports = work / "exports"
    for kind, file in (("accounts", "app_accounts"), ("grants", "grants")):
        rows: dict[str, list[str]] = {}
        with open(company / f"{file}.csv") as lines:
            header = next(lines)
            at = header.rstrip("\n").split(",").index("app_id")
            for line in lines:
                rows.setdefault(line.split(",")[at], []).append(line)
        for app, lines in rows.items():
            (exports / app).mkdir(parents=True, exist_ok=True)
            (exports / app / f"{kind}_{TODAY}.csv").write_text(header + "".join(lines))
    (exports / "okta").mkdir(exist_ok=True)
    shutil.copy(company / "idp_users.csv", exports / "okta" / f"accounts_{TODAY}.csv")
    shutil.copy(company / "hr_roster.csv", exports / f"hr_roster_{TODAY}.csv")
    duties = ["rule_id,title,side_a,side_b,severity\n"]
    for line in (company / "sod_rules.csv").read_text().splitlines()[1:]:
        rule, app_a, entitlement_a, app_b, entitlement_b = line.split(",")
        duties.append(f"{rule},{rule},{app_a}/{entitlement_a},{app_b}/{entitlement_b},high\n")
    (exports / "sod_rules.csv").write_text("".join(duties))


def lychgate(program: str, data: Path, *arguments: str) -> tuple[str, float]:
    output, cpu, *_ = timed([program, "--data", str(data), "-o", "json", *arguments])
    return output, cpu


def prepare(program: str, company: Path, work: Path) -> None:
    """Everything that is there before the first question: not timed."""
    if (work / "done").exists():
        return
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    with open(work / "last.jsonl", "w") as last:
        subprocess.run(["tail", "-n", str(LAST), str(company / "events.jsonl")], stdout=last, check=True)
    duck("duck.py", company / "events.jsonl", work / "columns", "1", "columns")
    duckdb("load", company, work)
    duckdb("fold", company, work)
    duckdb("keep", company, work)
    pieces(company, work)
    pipe = work / "events.jsonl"
    os.mkfifo(pipe)
    lychgate(program, work / "events", "ingest", "--no-raw", str(company / "events.jsonl"))

    def earlier() -> None:
        with open(pipe, "wb") as into:
            subprocess.run(["head", "-n", str(-LAST), str(company / "events.jsonl")], stdout=into, check=True)

    threading.Thread(target=earlier).start()
    lychgate(program, work / "lake", "ingest", "--no-raw", str(pipe))
    lychgate(program, work / "lake", "ingest", "--no-raw", str(work / "exports"))
    lychgate(program, work / "lake", "rebuild")
    pipe.unlink()
    shutil.copytree(work / "lake", work / "whole")
    lychgate(program, work / "whole", "ingest", "--no-raw", str(work / "last.jsonl"))
    (work / "done").touch()


def duck(script: str, *arguments: object) -> tuple[str, float]:
    output, cpu, *_ = timed([sys.executable, str(HERE / script), *map(str, arguments)])
    return output, cpu


def duckdb(step: str, company: Path, work: Path) -> dict:
    if step == "history":
        output, cpu = duck("duck_history.py", work / "columns" / "events.parquet", work / "history", "1")
        return {"cpu": cpu, "answers": json.loads(output)}
    output, cpu = duck("duck_state.py", step, company, work, "1")
    return {"cpu": cpu} | json.loads(output)


def counts(output: str) -> dict[str, int]:
    rows = json.loads(output)
    rows = rows.get("rows", rows) if isinstance(rows, dict) else rows
    return {row["question"]: row["found"] for row in rows if row["copy"] == 1}


def fold(program: str, company: Path, work: Path) -> tuple[dict, float]:
    """Of events alone, as the other side does it."""
    _, cpu = lychgate(program, work / "events", "rebuild")
    answers, _ = lychgate(program, work / "events", "sql", "--", STATE)
    return counts(answers), cpu


def history(program: str, company: Path, work: Path) -> tuple[dict, float]:
    """The same, beside all that is kept of it: who held what at any instant, by whose word, and what was used when."""
    _, cpu = lychgate(program, work / "events", "rebuild")
    rows = [f"SELECT '{name}' AS question, count(*) AS found, 1 AS copy FROM {name}" for name in duck_history.TABLES]
    for name, column in duck_history.INSTANTS.items():
        left = f"sum(CAST({column} AS BIGINT) % {duck_history.PRIME})"
        rows.append(f"SELECT '{name}.{column}', {left}, 1 FROM {name}")
    answers, _ = lychgate(program, work / "events", "sql", "--", " UNION ALL ".join(rows))
    return counts(answers), cpu


def ask(program: str, data: Path, copies: int = 1, but: str = "", of: dict[str, str] = {}) -> tuple[dict, float]:
    questions = re.sub(r"\w+", lambda word: of.get(word[0], word[0]), QUESTIONS)
    selects = [questions.replace("1 AS copy", f"{number} AS copy") for number in range(1, copies + 1)]
    some = f"WHERE question <> '{but}'"
    answers, cpu = lychgate(program, data, "sql", "--", " UNION ALL ".join(f"SELECT * FROM ({one}) {some}" for one in selects))
    return counts(answers), cpu


def resident(program: str, company: Path, work: Path) -> tuple[dict, float]:
    """What one more time costs a session that is open."""
    answers, once = ask(program, work / "whole")
    _, often = ask(program, work / "whole", COPIES)
    return answers, (often - once) / (COPIES - 1)


def renew(program: str, company: Path, work: Path) -> tuple[dict, float]:
    shutil.rmtree(work / "renewed", ignore_errors=True)
    shutil.copytree(work / "lake", work / "renewed")
    _, cpu = lychgate(program, work / "renewed", "ingest", "--no-raw", str(work / "last.jsonl"))
    # Both sides ask of those of whom the news tell; sign-ins change no peer groups.
    _, more = ask(program, work / "renewed", but=UNMOVED, of=SINCE)
    # What it knows now, for comparison.
    answers, _ = ask(program, work / "renewed")
    return answers, cpu + more


STEPS = {
    "state from events": ("fold", fold),
    "history from events": ("history", history),
    "nine questions, cold": ("ask", lambda program, company, work: ask(program, work / "whole")),
    "nine questions, resident": ("resident", resident),
    f"{LAST:,} new events, and the questions": ("renew", renew),
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("companies", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--work", type=Path, default=Path("target/peers"))
    parser.add_argument("--program", default=shutil.which("lychgate") or "target/release/lychgate")
    arguments = parser.parse_args()
    print("| company | step | Lychgate CPU-s | DuckDB CPU-s | Lychgate ÷ DuckDB |")
    print("|---|---|---|---|---|", flush=True)
    works = {company: (arguments.work / company.name).resolve() for company in arguments.companies}
    for company, work in works.items():
        prepare(arguments.program, company, work)
    # One core each: two of one processor slow each other down, which only the side that uses both would pay for.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    for step, (theirs, ours) in STEPS.items():
        mine, others = {company: [] for company in works}, {company: [] for company in works}
        # Companies by turns too: the machine may be slower a minute later.
        for _ in range(arguments.rounds):
            for company, work in works.items():
                answers, cpu = ours(arguments.program, company, work)
                told = duckdb(theirs, company, work)
                if answers != told["answers"]:
                    sys.exit(f"the answers differ: {answers} and {told['answers']}")
                mine[company].append(cpu)
                others[company].append(told["cpu"])
        for company in works:
            cpu, theirs_cpu = statistics.median(mine[company]), statistics.median(others[company])
            ratio = quotient(mine[company], others[company])
            print(f"| {company.name} | {step} | {cpu:.2f} | {theirs_cpu:.2f} | {ratio:.2f} |", flush=True)
    # The last step is that of the new events.
    first, last = arguments.companies[0], arguments.companies[-1]
    if first != last:
        print(f"\nThe same new events on {last.name} ÷ on {first.name}: {quotient(mine[last], mine[first]):.2f}")


def quotient(mine: list[float], others: list[float]) -> float:
    return statistics.median(one / other for one, other in zip(mine, others))


if __name__ == "__main__":
    main()

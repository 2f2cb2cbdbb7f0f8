"""`python -m tests.chaos`: one run, a table, an exit code."""

from __future__ import annotations

import argparse
import sys

import orjson
from rich.console import Console
from rich.table import Table

from tests.chaos.run import Options, Report, run


def main() -> int:
    """Run it; 0 if all is well."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="Executions under faults, by a seed.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=8, help="processes")
    parser.add_argument("--faults", type=int, default=100)
    parser.add_argument("--executions", type=int, default=0, help="at least so many")
    parser.add_argument("--loop", choices=["own", "worker"], default="own", help="a plain loop, or wfstore.worker")
    parser.add_argument("--lease", type=float, default=2.0, help="seconds")
    parser.add_argument("--database-url", help="a superuser's; without it a server of its own, which is restarted too")
    parser.add_argument("--json", action="store_true")
    given = vars(parser.parse_args())
    as_json = given.pop("json")
    console = Console(stderr=True)
    with console.status("starting") as status:
        report = run(Options(**given), status.update)
    if as_json:
        sys.stdout.write(
            orjson.dumps(report.to_json(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
        )
    else:
        Console().print(_table(report))
    for each in report.wrong:
        console.print(f"[red]wrong:[/red] {each}", highlight=False)
    return 1 if report.wrong else 0


def _table(report: Report) -> Table:
    options = report.options
    table = Table(
        title=f"chaos, seed {options.seed}, {options.workers} workers, loop {options.loop}", show_header=False
    )
    facts = {
        "seconds": report.seconds,
        **{f"faults: {kind}": count for kind, count in sorted(report.faults.items())},
        "server away at most, s": report.longest_recovery,
        "deadlocks, tried again": "not known" if report.deadlocks is None else report.deadlocks,
        "looks at the invariants": report.looks,
        "worker processes in all": report.workers,
        **report.figures,
        "wrong": len(report.wrong),
    }
    for name, value in facts.items():
        table.add_row(name, str(value))
    return table


if __name__ == "__main__":
    sys.exit(main())

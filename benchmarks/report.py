"""What a run says: a table, or JSON."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib import metadata
from typing import Any

from benchmarks.bench import Bench, Sizes, load
from benchmarks.results import Measured, Outcome
from wfstore.cli import output

_PEERS = ("absurd-sdk", "dbos", "pgqueuer", "procrastinate", "psycopg", "sqlalchemy", "wfstore")


def print_rows(title: str, outcomes: Sequence[Outcome]) -> None:
    """Write one group's rows as a table to standard output."""
    output.table(
        title,
        ["row", "what", "measured", "p99 ms", "against", "measured", "ratio", "lowest to highest", "wanted", "met"],
        [_line(each) for each in outcomes],
    )


def print_summary(outcomes: Sequence[Outcome]) -> None:
    """Say how many rows were met, missed, not promised, not run."""
    met, missed = (sum(each.met is wanted for each in outcomes) for wanted in (True, False))
    not_run = sum(bool(each.not_run) for each in outcomes)
    rest = len(outcomes) - met - missed - not_run
    output.out.print(f"{met} met, {missed} missed, {not_run} not run, {rest} measured without a bound")


def facts(bench: Bench, before: tuple[float, float, float]) -> dict[str, Any]:
    """Where and how it was measured."""
    return {
        "machine": {
            "system": platform.platform(),
            "cpus": os.cpu_count(),
            "load_before": before,
            "load_after": load(),
            "python": platform.python_version(),
        },
        "server": bench.settings(),
        "sizes": _sizes(bench.sizes),
        "versions": {name: version for name in _PEERS if (version := _version(name)) is not None},
    }


def as_json(found: dict[str, Any], measured: Sequence[Measured], outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The whole run: facts, rows, and every sample."""
    return {
        **found,
        "rows": [each.as_json() for each in outcomes],
        "samples": [
            {
                "group": each.group.name,
                "subject": subject.name,
                "at": subject.at,
                "unit": each.group.unit,
                "values": [sample.value for sample in samples],
                "p99_ms": [sample.p99_ms for sample in samples],
            }
            for each in measured
            for subject, samples in each.samples.items()
        ],
    }


def print_facts(found: dict[str, Any]) -> None:
    """Say where it was measured, in two lines."""
    machine, server = found["machine"], found["server"]
    busy = ", ".join(f"{each:.1f}" for each in machine["load_before"])
    output.out.print(f"{machine['cpus']} CPUs, load {busy} before; Python {machine['python']}", markup=False)
    settings = ", ".join(f"{name} {value}" for name, value in server.items() if name != "server_version")
    output.out.print(f"PostgreSQL {server['server_version']}: {settings}", markup=False)


def _line(outcome: Outcome) -> list[Any]:
    row = outcome.row
    wanted = "" if row.wanted is None else f"{'≥' if row.bound == 'at least' else '≤'} {_figure(row.wanted)}"
    wanted += "" if row.wanted is None else " x" if row.against else f" {outcome.unit}"
    verdict = "not run" if outcome.not_run else {True: "yes", False: "NO", None: "-"}[outcome.met]
    spread = "" if outcome.lowest is None else f"{_figure(outcome.lowest)} to {_figure(outcome.highest or 0.0)}"
    return [
        row.name,
        str(row.subject),
        _with_unit(outcome.value, outcome.unit),
        "" if outcome.p99_ms is None else _figure(outcome.p99_ms),
        outcome.not_run or outcome.rival,
        _with_unit(outcome.rival_value, outcome.unit),
        "" if outcome.ratio is None else f"{_figure(outcome.ratio)} x",
        spread,
        wanted,
        verdict,
    ]


def _with_unit(value: float | None, unit: str) -> str:
    return "" if value is None else f"{_figure(value)} {unit}"


def _figure(value: float) -> str:
    """Three digits that count."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _sizes(sizes: Sizes) -> dict[str, float]:
    return {name: getattr(sizes, name) for name in ("seconds", "rounds", "executions", "history", "churn")}


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None

"""Dropping an expired week of history while others write."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from benchmarks.bench import Bench
from benchmarks.model import NotRun, Opened, Row, Sample, Subject, group

DROP, STALL = Subject("dropping a week"), Subject("the longest write meanwhile")
_MOST = 1_000_000  # executions of the week


@contextmanager
def opening(bench: Bench, wanted: Collection[Subject]) -> Iterator[Opened]:
    """Each measurement makes a database of its own; both subjects take theirs from the same one."""
    try:
        drop_week: Any = import_module("benchmarks.drop_week")
    except ModuleNotFoundError:
        reason = NotRun("there is no dropping of periods yet")
        yield dict.fromkeys(wanted, reason)
        return
    found: dict[str, Any] = drop_week.run(bench.admin_url, executions=min(_MOST, bench.sizes.history))
    yield {
        DROP: lambda: Sample(found["dropped"] * 1000),
        STALL: lambda: Sample(found["longest_write"] * 1000),
    }


GROUP = group(
    "drop",
    "Milliseconds to drop a week of a million executions (or as many as the history has), two writers at work",
    "ms",
    [
        Row("week", DROP, (), "at most", 1_000.0),
        Row("stall", STALL, (), "at most", 250.0),
    ],
    opening,
    most_rounds=1,
)

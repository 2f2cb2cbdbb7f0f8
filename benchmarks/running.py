"""Measure groups: all their subjects by turns, round after round, so that a noisy machine is noisy for all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from benchmarks.bench import Bench
from benchmarks.model import Group, NotRun, Opened, Row, Subject
from benchmarks.results import Measured

_LATENCY_TURNS = 3  # short samples, but more of them: what disturbs the machine for a while then disturbs all alike

Report = Callable[[str, int, int], None]
"""Told what comes next, how many turns are done, and how many there are."""


def measure(bench: Bench, group: Group, rows: Sequence[Row], report: Report) -> Measured:
    """Measure what the rows of one group need."""
    wanted = list(dict.fromkeys(subject for row in rows for subject in (row.subject, *row.against)))
    rounds = bench.sizes.rounds * (_LATENCY_TURNS if group.unit == "ms" else 1)
    rounds = min(rounds, group.most_rounds or rounds)
    measured = Measured(group)
    total = rounds * len(wanted)
    report(f"{group.name}: preparing", 0, total)
    with group.opening(bench, wanted) as opened:
        for turn in range(rounds):
            bench.checkpoint()
            for place, subject in enumerate(_ordered(wanted, turn)):
                report(f"{group.name}: {subject}", turn * len(wanted) + place, total)
                _sample(opened, measured, subject)
    report(group.name, total, total)
    return measured


def _ordered(subjects: Collection[Subject], turn: int) -> list[Subject]:
    """Forwards and backwards by turns: what grows meanwhile, tables and files, then favours nobody."""
    return list(subjects) if turn % 2 == 0 else list(subjects)[::-1]


def _sample(opened: Opened, measured: Measured, subject: Subject) -> None:
    if subject in measured.absent:
        return
    measure_it = opened[subject]
    if isinstance(measure_it, NotRun):
        measured.absent[subject] = str(measure_it)
        return
    try:
        measured.samples.setdefault(subject, []).append(measure_it())
    except NotRun as reason:
        measured.absent[subject] = str(reason)
        del measured.samples[subject]

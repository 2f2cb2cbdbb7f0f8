"""The timeline of an execution: a line for each node's run, its bar on one scale that fits the width."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from wfstore.cli.output import duration
from wfstore.cli.scale import Scale
from wfstore.documents.drawing_words import clean
from wfstore.vocabulary import NodeStatus

if TYPE_CHECKING:
    from wfstore.models import NodeExecutionSummary

_NARROWEST_BAR = 20
_SHORTEST_NAME = 10
_SHORT_ID = 12
_GAP = "  "
_STYLES = {
    NodeStatus.PENDING: "dim",
    NodeStatus.RUNNING: "yellow",
    NodeStatus.WAITING: "cyan",
    NodeStatus.SUCCESS: "green",
    NodeStatus.ERROR: "red",
    NodeStatus.SKIPPED: "dim",
    NodeStatus.CANCELED: "magenta",
}
# What a bar is made of: full, shorter than its cell, still running, still waiting, open end, cut-out time, tick.
_UNICODE = ("█", "▌", "▓", "░", "▶", "┄", "│", "…")
_ASCII = ("#", "|", "=", ".", ">", "~", "|", ".")


@dataclass(frozen=True)
class Timeline:
    """What is drawn, and within which bounds. Times are Unix milliseconds."""

    runs: Sequence[NodeExecutionSummary]
    names: Mapping[str, str]
    """Of nodes, by their ids."""
    begin: int
    """Where the scale begins: the start of the execution."""
    end: int
    """Where it ends: the end of the execution, or now."""
    width: int
    """Cells of a line."""
    ascii_only: bool = False

    def lines(self) -> list[Text]:
        """Return the heading with the scale, then a line for each run, in the order in which they began."""
        signs = _ASCII if self.ascii_only else _UNICODE
        runs = sorted(self.runs, key=_order)
        loops = looped(runs)
        cells = [[self._name(run, loops), *self._cells(run)] for run in runs]
        headings = ["node", "status", "retries", "start", "took"]
        if not any(run.max_retries or run.retry_count for run in runs):
            headings.remove("retries")
            cells = [[*row[:2], *row[3:]] for row in cells]
        widths = [max(map(cell_len, column)) for column in zip(headings, *cells, strict=True)]
        others = sum(widths[1:]) + len(_GAP) * len(widths)
        most = max(_SHORTEST_NAME, min(self.width - others - _NARROWEST_BAR, self.width // 3))
        if widths[0] > most:  # the ids go first
            cells = [[self._name(run, loops, ids=False), *row[1:]] for run, row in zip(runs, cells, strict=True)]
            widths[0] = min(most, max(cell_len(row[0]) for row in cells))
        scale = self._scale(max(_NARROWEST_BAR, self.width - others - widths[0]))
        lines = [_joined(headings, widths, "dim", signs[-1]).append(scale.axis(signs[6], signs[5]), "dim")]
        for run, row in zip(runs, cells, strict=True):
            style = _STYLES[run.status]
            line = _joined(row, widths, "", signs[-1])
            line.stylize(style, begin := widths[0] + len(_GAP), begin + widths[1])
            lines.append(line.append(self._bar(run, scale, signs), style))
        for line in lines:
            line.rstrip()
        return lines

    def _scale(self, width: int) -> Scale:
        events = [time for run in self.runs for time in (run.start_time, run.end_time) if time is not None]
        begin = min([self.begin, *events])
        return Scale.of(begin, max([self.end, begin + 1, *events]), events, width)

    def _name(self, run: NodeExecutionSummary, loops: Collection[str], *, ids: bool = True) -> str:
        name = label(run.node_id, self.names, ids=ids)
        return f"{name} #{run.run_index}" if run.node_id in loops else name

    def _cells(self, run: NodeExecutionSummary) -> list[str]:
        start = took = ""
        if run.start_time is not None:
            start = f"+{duration(max(0, run.start_time - self.begin))}"
            # clocks differ: what has begun on another machine may be in the future
            took = duration(max(0, (self.end if run.end_time is None else run.end_time) - run.start_time))
            took += "+" if run.end_time is None else ""
        return [
            run.status.value,
            f"{run.retry_count}/{run.max_retries}" if run.max_retries or run.retry_count else "",
            start,
            took,
        ]

    def _bar(self, run: NodeExecutionSummary, scale: Scale, signs: tuple[str, ...]) -> str:
        full, sliver, running, waiting, open_end, cut, *_ = signs
        if run.start_time is None:
            return ""
        end = scale.end if run.end_time is None else run.end_time
        first, last = scale.span(run.start_time, end)
        body = full
        if not run.status.is_final:
            body = waiting if run.status is NodeStatus.WAITING else running
        elif scale.position(end) - scale.position(run.start_time) < 0.5:
            body = sliver
        cells = [cut if scale.is_cut(cell) else body for cell in range(first, last + 1)]
        # whose end is in a cut-out time still shows where it begins and ends
        cells[0] = body if run.start_time > scale.begin or not scale.is_cut(first) else cells[0]
        if run.end_time is None:
            cells[-1] = open_end
        return " " * first + "".join(cells)


def looped(runs: Sequence[NodeExecutionSummary]) -> set[str]:
    """Return the ids of nodes that have run more than once: their runs are told apart by their number."""
    return {run.node_id for run in runs if run.run_index}


def label(node_id: str, names: Mapping[str, str], *, ids: bool = True) -> str:
    """Return what people call a node: its name, and its id where that is short, or needed to tell it from another."""
    name, identifier = clean(names.get(node_id, "")), clean(node_id)
    if not name or name == identifier:
        return identifier
    ambiguous = list(names.values()).count(names[node_id]) > 1
    return f"{name} ({identifier})" if ambiguous or (ids and len(identifier) <= _SHORT_ID) else name


def _order(run: NodeExecutionSummary) -> tuple[bool, int, int, int, str]:
    """In the order of time; in the same millisecond pass after pass, what ended first before the others."""
    end = run.end_time if run.end_time is not None else 1 << 62
    return run.start_time is None, run.start_time or 0, run.run_index, end, run.node_id


def _joined(cells: Sequence[str], widths: Sequence[int], style: str, ellipsis: str) -> Text:
    """Put cells next to each other: words to the left, numbers to the right."""
    line = Text()
    for index, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        numeric = index >= 2
        text = Text(_fitted(cell, width, ellipsis), style=style)
        blank = " " * (width - text.cell_len)
        line.append(blank if numeric else "").append_text(text).append("" if numeric else blank).append(_GAP)
    return line


def _fitted(cell: str, width: int, ellipsis: str) -> str:
    """Cut the end off a name that is too long; of a run's number nothing."""
    if cell_len(cell) <= width:
        return cell
    name, number, index = cell.rpartition(" #")
    tail = f"{ellipsis}{number}{index}" if number and index.isdigit() else ellipsis
    head = Text(name if len(tail) > 1 else cell)
    head.truncate(max(1, width - cell_len(tail)))
    return head.plain.rstrip() + tail

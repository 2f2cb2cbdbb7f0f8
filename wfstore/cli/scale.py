"""A scale of time in the cells of a line. What takes almost all of the time, and in which nothing happens, is cut."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise

from wfstore.cli.output import duration

_DOMINANT = 40  # times as long as all the rest
_MOST_CUTS = 6
_FEWEST_LEFT = 3  # parts between one event and the next: for the sake of fewer nothing is cut
_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000)
_LONGER_STEPS = (600_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 21_600_000, 43_200_000, 86_400_000)
_LABEL = 10  # cells from one label to the next, at least


@dataclass(frozen=True)
class Scale:
    """Maps Unix milliseconds to cells, from 0 on."""

    bounds: tuple[int, ...]
    """Where it begins, where its pace changes, where it ends; ascending."""
    cells: tuple[float, ...]
    """Where these times are."""
    cuts: tuple[bool, ...]
    """Which of the parts between them are cut."""
    width: int

    @classmethod
    def of(cls, begin: int, end: int, events: Iterable[int], width: int) -> Scale:
        """Make a scale for what happened between two times, of which the second is the later one."""
        times = sorted({begin, end, *events})
        lengths = [later - earlier for earlier, later in pairwise(times)]
        cut = _dominant(lengths)
        edges = {time for index in cut for time in times[index : index + 2]}
        bounds = tuple(sorted({times[0], times[-1], *edges}))
        cuts = tuple(bound in {times[index] for index in cut} for bound in bounds[:-1])
        parts = [later - earlier for earlier, later in pairwise(bounds)]
        cells = [
            min(_room(part), width / 2 / len(cut)) if is_cut else 0 for part, is_cut in zip(parts, cuts, strict=True)
        ]
        rest = sum(part for part, is_cut in zip(parts, cuts, strict=True) if not is_cut)
        per_cell = rest / (width - sum(cells))
        shown = [cell or part / per_cell for cell, part in zip(cells, parts, strict=True)]
        # added up, they may be a little less or more than the whole
        return cls(bounds, (*list(accumulate(shown, initial=0.0))[:-1], float(width)), cuts, width)

    @property
    def begin(self) -> int:
        """The time of the left end."""
        return self.bounds[0]

    @property
    def end(self) -> int:
        """The time of the right end."""
        return self.bounds[-1]

    def position(self, time: float) -> float:
        """Return where a time is, in cells from the left."""
        part = min(max(bisect_right(self.bounds, time) - 1, 0), len(self.cuts) - 1)
        share = (time - self.bounds[part]) / (self.bounds[part + 1] - self.bounds[part])
        return self.cells[part] + share * (self.cells[part + 1] - self.cells[part])

    def span(self, begin: int, end: int) -> tuple[int, int]:
        """Return the first and the last cell of a time that passes; there is always one."""
        left, right = self.position(begin), self.position(end)
        first = min(int(left), self.width - 1)
        last = first if right - left < 1 else math.ceil(right) - 1
        return first, min(last, self.width - 1)

    def is_cut(self, cell: int) -> bool:
        """Whether a cell lies as a whole in what is cut."""
        return any(
            cut and left <= cell and cell + 1 <= right
            for cut, (left, right) in zip(self.cuts, pairwise(self.cells), strict=True)
        )

    def axis(self, tick: str, cut: str) -> str:
        """Return the line above the bars: ticks with their times, and how long what is cut lasts.

        After a cut the times count from its end.
        """
        line = [" "] * self.width
        # what is cut first, then what has room beside it
        for cell, text in sorted(self._labels(tick, cut), key=lambda label: cut not in label[1]):
            before, room = line[max(cell - 1, 0) : cell], line[cell : cell + len(text) + (len(text) > 1)]
            if cell + len(text) <= self.width and not "".join([*before, *room]).strip(f" {cut}") and cut not in room:
                line[cell : cell + len(text)] = text
        return "".join(line)

    def _labels(self, tick: str, cut: str) -> Iterator[tuple[int, str]]:
        """Yield where a label begins and what it is, from left to right."""
        after = False
        for (begin, end), is_cut in zip(pairwise(self.bounds), self.cuts, strict=True):
            left, right = self.position(begin), self.position(end)
            if is_cut:
                first = math.ceil(left)
                yield first, f" {duration(end - begin)} ".center(int(right) - first, cut)
                after = True
                continue
            step = self._step((end - begin) / (right - left))
            for time in range(begin, end, step):
                sign = "+" if after else ""
                text = f"{sign}{short(time - begin)}" if time > begin else "" if after else "0"
                yield int(self.position(time)), f"{tick}{text}"

    @staticmethod
    def _step(per_cell: float) -> int:
        """Return the time between labels, a round one, where a cell is so many milliseconds."""
        wanted = per_cell * _LABEL
        for step in (*_STEPS, *_LONGER_STEPS):
            if step >= wanted:
                return step
        day = _LONGER_STEPS[-1]
        return day * (1 << max(0, int(wanted // day)).bit_length())


def _room(milliseconds: int) -> int:
    """Return how many cells it takes to write how long something lasts, with signs of a cut on both sides."""
    return len(duration(milliseconds)) + 6


def short(milliseconds: int) -> str:
    """Return a time on the scale in few characters: 500 ms, 2 s, 1.5 s, 10 min, 2 h 30 min."""
    if milliseconds >= 1_000 and milliseconds < 60_000:
        return f"{milliseconds / 1_000:g} s"
    for unit, span in (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000)):
        if milliseconds >= span and milliseconds % span == 0:
            return f"{milliseconds // span} {unit}"
    return duration(milliseconds)


def _dominant(lengths: list[int]) -> list[int]:
    """Return which few of these lengths are together many times as long as all the rest; none as a rule."""
    order = sorted(range(len(lengths)), key=lambda index: -lengths[index])
    rest = sum(lengths)
    for count, index in enumerate(order[:_MOST_CUTS], start=1):
        rest -= lengths[index]
        if rest <= 0 or len(lengths) - count < _FEWEST_LEFT:
            return []
        if lengths[index] > _DOMINANT * rest:
            return order[:count]
    return []

"""Plots of a run: throughput against concurrency, latency against history."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.model import Subject
from benchmarks.results import Measured
from wfstore.errors import InvalidInput

_SIZE = (9, 5.5)  # inches
_DPI = 130


def require(folder: Path) -> None:
    """Make the folder and look for matplotlib before anything is measured; InvalidInput without."""
    if find_spec("matplotlib") is None:
        raise InvalidInput(
            "plots need matplotlib, which is not installed",
            hint="pip install -r benchmarks/requirements.txt, or leave out --plots.",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"the folder {folder} cannot be made: {error.strerror}") from None


def draw(measured: Sequence[Measured], folder: Path) -> list[Path]:
    """Draw each group that has an axis, and return the files."""
    return [_draw(each, folder) for each in measured if each.group.axis and each.samples]


def _draw(measured: Measured, folder: Path) -> Path:
    matplotlib: Any = import_module("matplotlib.figure")
    figure = matplotlib.Figure(figsize=_SIZE, dpi=_DPI, layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(measured.group.title, loc="left", fontsize=11, pad=12)
    _lines(axes, measured)
    axes.set_xscale("log")
    axes.set_yscale("log")
    ticks = _apart(sorted({subject.at for subject in measured.samples if subject.at is not None}))
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.yaxis.set_major_locator(import_module("matplotlib.ticker").LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(lambda value, _place: f"{value:,.6g}")
    axes.minorticks_off()
    axes.set_xlabel(measured.group.axis)
    axes.set_ylabel("per second" if measured.group.unit == "/s" else "milliseconds, median")
    axes.grid(visible=True, which="major", color="0.9")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside right center", fontsize=8, frameon=False)
    file = folder / f"{measured.group.name}.png"
    figure.savefig(file)
    return file


def _apart(places: Sequence[int]) -> list[int]:
    """Those whose labels do not run into each other."""
    kept: list[int] = []
    for place in places:
        if not kept or place >= 1.5 * kept[-1]:
            kept.append(place)
    return kept


def _lines(axes: Any, measured: Measured) -> None:
    """A line for each subject that was measured at several places; a dashed one across for what has no place."""
    series: dict[str, list[Subject]] = {}
    for subject in measured.samples:
        series.setdefault(subject.name, []).append(subject)
    for turn, (name, subjects) in enumerate(series.items()):
        colour = f"C{turn % 10}"
        marker = "osD^vPX*<>"[(turn + turn // 10) % 10]  # so that colour and marker do not come twice
        if subjects[0].at is None:
            axes.axhline(measured.value(subjects[0]), color=colour, linestyle="--", linewidth=1, label=name)
            continue
        placed = sorted(subjects, key=lambda subject: subject.at or 0)
        values = [measured.value(subject) for subject in placed]
        lowest = [min(sample.value for sample in measured.samples[subject]) for subject in placed]
        highest = [max(sample.value for sample in measured.samples[subject]) for subject in placed]
        spread = [
            [value - low for value, low in zip(values, lowest, strict=True)],
            [high - value for value, high in zip(values, highest, strict=True)],
        ]
        axes.errorbar(
            [subject.at for subject in placed], values, yerr=spread, color=colour, marker=marker, markersize=5,
            linewidth=1.4, elinewidth=0.6, capsize=2, label=name,
        )  # fmt: skip

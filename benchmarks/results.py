"""What a run found: samples by subject, and what they say of each row."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median

from benchmarks.model import Group, NotRun, Row, Sample, Subject


@dataclass
class Measured:
    """All samples of a group, round by round; or why there are none of a subject."""

    group: Group
    samples: dict[Subject, list[Sample]] = field(default_factory=dict)
    absent: dict[Subject, str] = field(default_factory=dict)

    def value(self, subject: Subject) -> float:
        """The median over the rounds."""
        return median(sample.value for sample in self.samples[subject])

    def p99_ms(self, subject: Subject) -> float | None:
        """The median of the rounds' 99th percentiles."""
        found = [sample.p99_ms for sample in self.samples[subject] if sample.p99_ms is not None]
        return median(found) if found else None

    def ratios(self, row: Row) -> list[float]:
        """The subject's value over that of the best of its rivals, round by round."""
        rivals = [self.samples[each] for each in row.against if each in self.samples]
        own = self.samples[row.subject]
        return [
            sample.value / self.group.better([rival[turn].value for rival in rivals])
            for turn, sample in enumerate(own)
            if all(turn < len(rival) for rival in rivals)
        ]


@dataclass(frozen=True)
class Outcome:
    """A line of the table as it came out."""

    row: Row
    unit: str
    value: float | None = None
    p99_ms: float | None = None
    rival: str = ""
    rival_value: float | None = None
    ratio: float | None = None
    lowest: float | None = None
    highest: float | None = None
    met: bool | None = None
    """None: it was not run, or nothing was promised."""
    not_run: str = ""

    def as_json(self) -> dict[str, object]:
        """What `--json` shows of it."""
        return {
            "row": self.row.name,
            "what": str(self.row.subject),
            "against": self.rival or None,
            "unit": self.unit,
            "value": self.value,
            "p99_ms": self.p99_ms,
            "against_value": self.rival_value,
            "ratio": self.ratio,
            "ratio_lowest": self.lowest,
            "ratio_highest": self.highest,
            "bound": self.row.bound if self.row.wanted is not None else None,
            "wanted": self.row.wanted,
            "met": self.met,
            "not_run": self.not_run or None,
            "note": self.row.note or None,
        }


def judge(measured: Measured, row: Row) -> Outcome:
    """Compare a row's subject with its rivals. Not run is never met, and neither is a rival's absence."""
    if row.subject in measured.absent:
        return Outcome(row, measured.group.unit, not_run=measured.absent[row.subject])
    value = measured.value(row.subject)
    p99 = measured.p99_ms(row.subject)
    if not row.against:
        met = None if row.wanted is None else _holds(row, value)
        values = [sample.value for sample in measured.samples[row.subject]]
        return Outcome(row, measured.group.unit, value, p99, lowest=min(values), highest=max(values), met=met)
    present = [each for each in row.against if each in measured.samples]
    if not present:
        reason = measured.absent.get(row.against[0], "its rival was not measured")
        return Outcome(row, measured.group.unit, value, p99, not_run=reason)
    best = measured.group.better([measured.value(each) for each in present])
    rival = next(each for each in present if measured.value(each) == best)
    ratios = measured.ratios(row)
    ratio = median(ratios)
    met = None if row.wanted is None else _holds(row, ratio)
    return Outcome(row, measured.group.unit, value, p99, str(rival), best, ratio, min(ratios), max(ratios), met)


def _holds(row: Row, found: float) -> bool:
    if row.wanted is None:
        raise NotRun(f"{row.name} promises nothing")
    return found >= row.wanted if row.bound == "at least" else found <= row.wanted

"""The sample that `wfstore demo` imports and replays: one night of a video archive, as a WfFormat 1.5 trace.

    read catalogue ─┬─> titles, one branch each ─┬─> index ─> report
                    └─> rotate archive ──────────┘

    of a title:  fetch ─> inspect ─┬─> cut ─┬─> encode HD, each segment ─> join HD ─┬─> check ─┬─> publish
                                   │        └─> encode SD, each segment ─> join SD ─┤          │
                                   ├─> extract sound ─┬─> level sound ──────────────┤          │
                                   │                  └─> transcribe ─> translate ──┘          │
                                   └─> thumbnails ─────────────────────────────────────────────┘

All of it is made up here. `build` draws the durations and runs the tasks on a few machines, so that the recorded
makespan holds waiting for a machine, as in a real trace. `sample.json.gz` is what `build()` returned (a test
holds the two together): a file, so that it can be looked at, imported as any other trace, and stays the same on
every Python, whose random numbers and logarithms may change.

To write the file anew: `python -m wfstore.demo.sample`.
"""

from __future__ import annotations

import gzip
import heapq
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

FILE = Path(__file__).with_name("sample.json.gz")
SEED = 20_250_304
EXECUTED_AT = "2025-03-04T01:00:00+00:00"

_MB = 1_000_000
_TITLES = (
    "harbour-lights", "winter-orchard", "paper-boats", "the-long-field",
    "night-tram", "salt-and-slate", "a-quiet-signal", "seven-bridges",
)  # fmt: skip
_MACHINES = tuple(f"encoder-{number:02}" for number in range(1, 7))
_SLOTS = 2  # tasks at once on a machine of 16 cores: none takes more than 8
_CORES = {"encode-hd": 8, "encode-sd": 4, "transcribe": 4, "translate": 2}

# Seconds in the median, megabytes read and written.
_PROFILE = {
    "read-catalogue": (4, 2, 1),
    "rotate-archive": (95, 4_000, 4_000),
    "fetch": (70, 2_400, 2_400),
    "inspect": (3, 60, 1),
    "cut": (18, 2_400, 2_400),
    "encode-hd": (210, 300, 90),
    "encode-sd": (75, 300, 30),
    "join-hd": (12, 700, 700),
    "join-sd": (6, 240, 240),
    "extract-sound": (9, 2_400, 120),
    "level-sound": (22, 120, 120),
    "transcribe": (160, 120, 1),
    "translate": (35, 1, 1),
    "thumbnails": (14, 2_400, 8),
    "check": (28, 1_060, 1),
    "publish": (40, 1_070, 1_070),
    "index": (6, 3, 2),
    "report": (2, 2, 1),
}


@dataclass
class _Step:
    id: str
    kind: str
    title: str
    parents: list[str]
    runtime: float = 0.0
    machine: str = ""
    children: list[str] = field(default_factory=list)


class _Pipeline:
    """The tasks so far; each is added after those that it waits for."""

    def __init__(self) -> None:
        self.steps: dict[str, _Step] = {}

    def add(self, kind: str, parents: list[str], title: str = "", part: int | None = None) -> str:
        """Add a task and return its id."""
        name = "_".join([kind, *([title] if title else []), *([f"{part:02}"] if part is not None else [])])
        self.steps[name] = _Step(name, kind, title, parents)
        for parent in parents:
            self.steps[parent].children.append(name)
        return name


def load() -> bytes:
    """The bundled sample, unpacked: the bytes of a WfFormat 1.5 file."""
    return gzip.decompress(FILE.read_bytes())


def build(*, seed: int = SEED, executed_at: str = EXECUTED_AT) -> dict[str, Any]:
    """A WfFormat 1.5 document of some 210 tasks, the same for the same arguments.

    `executed_at` is the start of the run, ISO 8601 with an offset.
    """
    draw = random.Random(seed)  # noqa: S311 - made-up durations, no secrets
    tasks = _night(draw).steps
    steps = list(tasks.values())
    for step in steps:
        # Durations of real tasks have a long tail to the right.
        step.runtime = round(_PROFILE[step.kind][0] * draw.lognormvariate(0, 0.35), 3)
    makespan = _run(tasks)
    return {
        "name": "nightly-video-archive",
        "description": "One night of a video archive: fetch, cut, encode, check and publish eight titles. Made up.",
        "createdAt": executed_at,
        "schemaVersion": "1.5",
        "author": {"name": "wfstore"},
        "runtimeSystem": {"name": "Sample", "version": "1.0", "url": "https://example.org/"},
        "workflow": {
            "specification": {"tasks": [_specified(step) for step in steps], "files": _files(steps)},
            "execution": {
                "makespanInSeconds": makespan,
                "executedAt": executed_at,
                "tasks": [_executed(step, draw) for step in steps],
                "machines": [{"nodeName": name, "cpu": {"coreCount": 16}} for name in _MACHINES],
            },
        },
    }


def _night(draw: random.Random) -> _Pipeline:
    night = _Pipeline()
    catalogue = night.add("read-catalogue", [])
    rotated = night.add("rotate-archive", [catalogue])
    published = [_title(night, title, catalogue, segments=draw.randint(6, 10)) for title in _TITLES]
    index = night.add("index", [*published, rotated])
    night.add("report", [index])
    return night


def _title(night: _Pipeline, title: str, catalogue: str, *, segments: int) -> str:
    """The branch of one title; the id of its last task."""
    inspected = night.add("inspect", [night.add("fetch", [catalogue], title)], title)
    cut = night.add("cut", [inspected], title)
    parts = range(1, segments + 1)
    high = [night.add("encode-hd", [cut], title, part) for part in parts]
    standard = [night.add("encode-sd", [cut], title, part) for part in parts]
    joined = [night.add("join-hd", high, title), night.add("join-sd", standard, title)]
    sound = night.add("extract-sound", [inspected], title)
    levelled = night.add("level-sound", [sound], title)
    text = night.add("translate", [night.add("transcribe", [sound], title)], title)
    thumbnails = night.add("thumbnails", [inspected], title)
    checked = night.add("check", [*joined, levelled, text], title)
    return night.add("publish", [checked, thumbnails], title)


def _run(steps: dict[str, _Step]) -> float:
    """Run the tasks, the one that is ready first on the slot that is free first; return the makespan in seconds."""
    slots = [(0.0, machine) for _ in range(_SLOTS) for machine in _MACHINES]
    heapq.heapify(slots)
    ends: dict[str, float] = {}
    ready = [(0.0, name) for name, step in steps.items() if not step.parents]
    while ready:
        since, name = heapq.heappop(ready)
        free, steps[name].machine = heapq.heappop(slots)
        ends[name] = max(free, since) + steps[name].runtime
        heapq.heappush(slots, (ends[name], steps[name].machine))
        for child in steps[name].children:
            if all(parent in ends for parent in steps[child].parents):
                heapq.heappush(ready, (max(ends[parent] for parent in steps[child].parents), child))
    # A millisecond outlasts the rounding in all the sums.
    return round(max(ends.values()) + 0.001, 3)


def _specified(step: _Step) -> dict[str, Any]:
    return {
        "name": step.kind,
        "id": step.id,
        "parents": step.parents,
        "children": step.children,
        "inputFiles": [f"{parent}.out" for parent in step.parents],
        "outputFiles": [f"{step.id}.out"],
    }


def _executed(step: _Step, draw: random.Random) -> dict[str, Any]:
    _, read, written = _PROFILE[step.kind]
    cores = _CORES.get(step.kind, 1)
    return {
        "id": step.id,
        "runtimeInSeconds": step.runtime,
        "command": {"program": step.kind, "arguments": ["--title", step.title] if step.title else []},
        "coreCount": cores,
        "avgCPU": round(cores * draw.uniform(55, 98), 1),
        "readBytes": int(read * _MB * draw.uniform(0.8, 1.2)),
        "writtenBytes": int(written * _MB * draw.uniform(0.8, 1.2)),
        "memoryInBytes": int(cores * 220 * _MB * draw.uniform(0.7, 1.3)),
        "machines": [step.machine],
    }


def _files(steps: list[_Step]) -> list[dict[str, Any]]:
    return [{"id": f"{step.id}.out", "sizeInBytes": _PROFILE[step.kind][2] * _MB} for step in steps]


def packed(document: dict[str, Any]) -> bytes:
    """The document as a gzip file without a time in it, so that the same document gives the same bytes."""
    return gzip.compress(orjson.dumps(document, option=orjson.OPT_INDENT_2), mtime=0)


if __name__ == "__main__":
    FILE.write_bytes(packed(build()))

"""Published traces, where the collection lies beside the checkout: read in full, scheduled, kept apart."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import orjson
import pytest

from wfstore.wfformat import Trace, from_document, parse, sources, to_document, workflow_id

DATA = Path(__file__).parents[1] / "../shared/data/wfinstances"

Document = dict[str, Any]


@pytest.fixture(scope="module")
def real_traces() -> list[tuple[Document, Trace]]:
    """Each entry of the index with its trace."""
    if not DATA.is_dir():
        pytest.skip("the collection of published traces is not beside this checkout (../shared/data/wfinstances)")
    index = [json.loads(line) for line in (DATA / "INDEX.jsonl").read_text().splitlines()]
    return [(entry, parse(gzip.decompress((DATA / entry["file"]).read_bytes()))) for entry in index]


def test_real_traces_are_read_in_full(real_traces: list[tuple[Document, Trace]]) -> None:
    for entry, trace in real_traces:
        found = (len(trace.tasks), trace.edge_count, trace.makespan_seconds)
        assert found == (entry["tasks"], entry["edges"], entry["makespanInSeconds"]), entry["file"]
    assert len(real_traces) == 72
    assert sum(len(trace.tasks) for _, trace in real_traces) == 21_625


def test_real_traces_take_at_most_their_recorded_makespan(real_traces: list[tuple[Document, Trace]]) -> None:
    for entry, trace in real_traces:
        plan = from_document(to_document(trace))
        assert 0 < plan.derived_makespan_ms <= trace.makespan_seconds * 1000, entry["file"]
        assert plan.end_ms - plan.start_ms == int(trace.makespan_seconds * 1000)


def test_real_traces_go_through_a_document(real_traces: list[tuple[Document, Trace]]) -> None:
    for entry, trace in real_traces:
        stored = orjson.loads(orjson.dumps(to_document(trace)))
        assert stored == to_document(trace)
        assert len(stored["connections"]) == entry["edges"]
        plan = from_document(stored)
        facts = {one.id: (set(one.parents), repr(one.runtime_seconds)) for one in plan.tasks}
        assert facts == {one.id: (set(one.parents), repr(one.runtime_seconds)) for one in trace.tasks}
        assert list(plan.schedule) == [one.id for one in plan.tasks]


def test_each_real_trace_is_a_workflow_of_its_own(real_traces: list[tuple[Document, Trace]]) -> None:
    assert len({workflow_id(trace) for _, trace in real_traces}) == len(real_traces)
    # The name alone would not do.
    assert len({trace.name for _, trace in real_traces}) < len(real_traces)


def test_the_folder_of_real_traces_has_each_of_them(real_traces: list[tuple[Document, Trace]]) -> None:
    found = [Path(source.name).relative_to(DATA).as_posix() for source in sources([str(DATA)])]
    assert found == sorted(found, key=Path)
    assert set(found) == {entry["file"] for entry, _ in real_traces}

"""The sample of `wfstore demo`: the bundled file is what the code builds, and it is a sound, realistic trace."""

from __future__ import annotations

import gzip

import orjson

from wfstore.demo import sample
from wfstore.wfformat import from_document, parse, to_document


def test_the_bundled_file_is_what_the_code_builds() -> None:
    # The text, not the gzip bytes: these depend on the zlib of the machine.
    built = orjson.loads(orjson.dumps(sample.build()))
    assert orjson.loads(sample.load()) == built, "run: python -m wfstore.demo.sample"


def test_the_same_seed_gives_the_same_bytes_and_another_one_gives_others() -> None:
    assert sample.packed(sample.build()) == sample.packed(sample.build())
    assert sample.build(seed=1) != sample.build()
    assert gzip.decompress(sample.packed({"a": 1})) == b'{\n  "a": 1\n}'


def test_it_is_a_trace_of_some_hundred_tasks_with_branches_and_joins() -> None:
    trace = parse(sample.load())
    assert 150 <= len(trace.tasks) <= 300
    assert max(len(task.children) for task in trace.tasks) >= 5
    assert max(len(task.parents) for task in trace.tasks) >= 5
    assert {task.machines for task in trace.tasks} == {(name,) for name in sample._MACHINES}


def test_any_seed_gives_a_trace_whose_tasks_fit_into_its_makespan() -> None:
    for seed in range(20):
        trace = parse(orjson.dumps(sample.build(seed=seed)))
        plan = from_document(to_document(trace))
        assert plan.derived_makespan_ms <= trace.makespan_seconds * 1000
        assert plan.end_ms - plan.start_ms == round(trace.makespan_seconds * 1000)


def test_it_can_be_started_at_another_time() -> None:
    trace = parse(orjson.dumps(sample.build(executed_at="2026-01-02T03:04:05+01:00")))
    assert trace.executed_at.isoformat() == "2026-01-02T02:04:05+00:00"

"""The queries that a worker's contexts read with, on both faces."""

from __future__ import annotations

from typing import Any

from tests import facekit
from tests.executionkit import add_workflow, claim, ending, enqueue, result
from wfstore import Store, uuid7

face, app, hand = facekit.face, facekit.app, facekit.hand


def test_results_and_executions_come_whole(app: Store, hand: Store) -> None:
    ids = enqueue(app, add_workflow(app), 3)
    leases = {each.execution_id: each for each in claim(hand, limit=3)}
    for run_index in range(5):
        hand.node_executions.record(result(leases[ids[0]], "a", run_index=run_index, output_data={"n": run_index}))
    after: dict[str, Any] = {"after_node_id": "a", "after_run_index": 1, "limit": 2}
    page = app.node_executions.page_results(execution_id=ids[0], **after)
    assert [(row.run_index, row.output_data) for row in page] == [(2, {"n": 2}), (3, {"n": 3})]
    hand.executions.finish(ending(leases[ids[1]], run_data={"r": 1}))
    found = {each.execution_id: each for each in app.executions.get_many(execution_ids=[*ids[:2], ids[1], uuid7()])}
    assert set(found) == set(ids[:2])
    assert (found[ids[1]].status, found[ids[1]].run_data) == ("SUCCESS", {"r": 1})

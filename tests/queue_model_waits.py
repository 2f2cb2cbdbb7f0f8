"""The critical pairs of waits, families, and of those that are parked while somebody else has them locked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from tests.executionkit import LATER, LEASE, NOW, ending
from tests.queue_model_races import Act, Rollback, Run
from tests.queue_model_stage import Body, Race, Stage, act, cancel, claim, finish, no_errors, signal
from wfstore import ClaimedExecution, Role
from wfstore.sync.store import Namespaces


def _suspend_and_signal(stage: Stage) -> Sequence[Act]:
    lease = stage.run("waiter")
    return [
        act("suspend", lambda store: store.executions.suspend(lease, signal="go", now=NOW)),
        signal("signal", lease.execution_id),
    ]


def _signal_and_time_out(stage: Stage) -> Sequence[Act]:
    stage.run("waiter")
    stage.suspend("waiter", signal="go", until=NOW + LEASE)
    return [signal("signal", stage.ids["waiter"]), claim("claim", now=LATER)]


def _one_way_out(stage: Stage, run: Run) -> None:
    no_errors(stage, run)
    entry = stage.app.executions.get_queue_entry(execution_id=stage.ids["waiter"])
    assert entry.status == ("RUNNING" if run.outcomes["claim"] else "NEW")
    assert not run.outcomes["claim"] or entry.attempt == 2


def _two_takers(stage: Stage, *, consumers: tuple[str, str], sent: int) -> Sequence[Act]:
    lease = stage.run("waiter")
    for _ in range(sent):
        stage.app.executions.signal(lease.execution_id, "go", now=NOW)

    def take(consumer: str) -> Body:
        return lambda store: store.executions.take_signal(lease, "go", consumer=consumer, now=NOW)

    return [act(f"take {number}", take(consumer)) for number, consumer in enumerate(consumers)]


def _different_signals(stage: Stage, run: Run) -> None:
    no_errors(stage, run)
    taken = [outcome.id for outcome in run.outcomes.values() if outcome is not None]
    sent = stage.app.execution_signals.page_by_execution(
        execution_id=stage.ids["waiter"], after_id=UUID(int=0), limit=9
    )
    assert len(taken) == len(set(taken)) == min(2, len(sent)), "a signal for two, or none where there is one"


def _the_same_signal(stage: Stage, run: Run) -> None:
    no_errors(stage, run)
    assert len({outcome.id for outcome in run.outcomes.values()}) == 1


def _with_children(stage: Stage, **facts: Any) -> tuple[ClaimedExecution, list[ClaimedExecution]]:
    parent = stage.run("parent", **facts)
    children = [stage.run(name, parent_execution_id=parent.execution_id, queue="other") for name in ("one", "two")]
    return parent, children


def _two_last_children(stage: Stage) -> Sequence[Act]:
    _, children = _with_children(stage)
    stage.suspend("parent", children=True)
    return [finish("finish 1", children[0]), finish("finish 2", children[1])]


def _suspend_and_last_child(stage: Stage) -> Sequence[Act]:
    parent, children = _with_children(stage)
    stage.worker.executions.finish(ending(children[1]))
    return [
        act("suspend", lambda store: store.executions.suspend(parent, children=True, now=NOW)),
        finish("finish", children[0]),
    ]


def _cancel_family(stage: Stage) -> Sequence[Act]:
    parent, children = _with_children(stage)
    return [cancel("cancel", parent.execution_id), finish("finish", children[0])]


def _cancel_two_families(stage: Stage) -> Sequence[Act]:
    parent, _ = _with_children(stage)
    stage.suspend("parent", children=True)
    return [cancel("cancel parent", parent.execution_id), cancel("cancel child", stage.ids["one"])]


def _child_end_and_claim_of_parent(stage: Stage) -> Sequence[Act]:
    """The parent is ready, as its wait has timed out; another one of the child's key is ready too."""
    stage.run("parent")
    parent_id = stage.ids["parent"]
    child = stage.run("child", parent_execution_id=parent_id, concurrency_key="k", queue="other")
    stage.suspend("parent", children=True, until=NOW + LEASE / 2)
    stage.enqueue("rival", concurrency_key="k")
    return [finish("finish", child), claim("claim", limit=2, now=NOW + LEASE / 2)]


# --- parked, and locked by somebody else ------------------------------------------------------------------


def _parked(stage: Stage) -> ClaimedExecution:
    """One runs, and one is parked behind it."""
    lease = stage.run("running", concurrency_key="k")
    stage.enqueue("parked", concurrency_key="k")
    assert not stage.worker.executions.claim(queue="default", worker_id="w", limit=1, lease=LEASE, now=NOW)
    return lease


def _signal_to_parked(stage: Stage) -> Sequence[Act]:
    lease = _parked(stage)
    return [finish("finish", lease), signal("signal", stage.ids["parked"])]


def _cancel_of_parked_undone(stage: Stage) -> Sequence[Act]:
    lease = _parked(stage)

    def cancel(store: Namespaces) -> None:
        store.executions.cancel(stage.ids["parked"], now=NOW)
        raise Rollback

    return [finish("finish", lease), act("cancel", cancel, Role.APP)]


def _child_of_parked(stage: Stage) -> Sequence[Act]:
    stage.enqueue("parent", concurrency_key="k")
    child = stage.run("child", parent_execution_id=stage.ids["parent"], queue="other")
    lease = stage.run("running", concurrency_key="k", priority=5)
    assert not stage.worker.executions.claim(queue="default", worker_id="w", limit=1, lease=LEASE, now=NOW)
    return [finish("finish", lease), finish("finish child", child)]


def _resume_and_claim(stage: Stage) -> Sequence[Act]:
    stage.enqueue("paused")
    stage.app.execution_pauses.pause_workflow(stage.workflow_id)
    resume = act("resume", lambda store: store.execution_pauses.resume_workflow(stage.workflow_id), Role.APP)
    return [resume, claim("claim")]


def _pause_resume_claim_with_key(stage: Stage) -> Sequence[Act]:
    lease = _parked(stage)
    stage.app.execution_pauses.pause_workflow(stage.workflow_id)
    stage.worker.executions.finish(ending(lease))
    resume = act("resume", lambda store: store.execution_pauses.resume_workflow(stage.workflow_id), Role.APP)
    return [resume, claim("claim")]


RACES = (
    Race("suspend against signal", _suspend_and_signal, no_errors),
    Race("signal against time-out", _signal_and_time_out, _one_way_out),
    Race(
        "take against take, two consumers, one signal",
        lambda stage: _two_takers(stage, consumers=("a", "b"), sent=1),
        _different_signals,
    ),
    Race(
        "take against take, two consumers, two signals",
        lambda stage: _two_takers(stage, consumers=("a", "b"), sent=2),
        _different_signals,
    ),
    Race(
        "take against take, one consumer",
        lambda stage: _two_takers(stage, consumers=("a", "a"), sent=2),
        _the_same_signal,
    ),
    Race("child end against child end", _two_last_children, no_errors),
    Race("suspend against last child's end", _suspend_and_last_child, no_errors),
    Race("cancel of a parent against child end", _cancel_family, no_errors),
    Race("cancel of a parent against cancel of a child", _cancel_two_families),
    # The one has the child's key and would like the parent, the other has the parent and would like the key.
    Race("child end against claim of its parent", _child_end_and_claim_of_parent, no_errors, deadlocks=True),
    Race("signal to a parked one against finish", _signal_to_parked, no_errors),
    Race("cancel of a parked one, undone against finish", _cancel_of_parked_undone),
    Race("child end of a parked one against finish", _child_of_parked, no_errors),
    Race("resume against parking claim", _resume_and_claim, no_errors),
    Race("resume against claim of one with a key", _pause_resume_claim_with_key, no_errors),
)

"""The critical pairs of claims, of the fence, of enqueuing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from tests.executionkit import LATER, LEASE, NOW, result
from tests.queue_model_races import Act, Actor, Rollback, Run
from tests.queue_model_stage import Body, Race, Stage, act, cancel, claim, finish, no_errors
from wfstore import ClaimedExecution, NewExecution, Role, uuid7
from wfstore.errors import AlreadyFinished, LeaseLost, NotFound
from wfstore.leases import Failure
from wfstore.sync.store import Namespaces


def _ran(run: Run) -> list[ClaimedExecution]:
    """All that was claimed in a race."""
    found: list[ClaimedExecution] = []
    for name, outcome in run.outcomes.items():
        if name.startswith("claim"):
            assert isinstance(outcome, list), outcome
            found += outcome
    return found


def _each_claimed_once(stage: Stage, run: Run) -> None:
    no_errors(stage, run)
    claims = [lease.execution_id for lease in _ran(run)]
    assert len(claims) == len(set(claims)), "one execution has two workers"


def _two_claims(stage: Stage) -> Sequence[Act]:
    for name in "abcd":
        stage.enqueue(name)
    return [claim("claim 1", limit=2), claim("claim 2", limit=2)]


def _all_claimed(stage: Stage, run: Run) -> None:
    _each_claimed_once(stage, run)
    assert {lease.execution_id for lease in _ran(run)} == set(stage.ids.values()), "some were passed over"


def _one_place(stage: Stage) -> Sequence[Act]:
    for name in "abc":
        stage.enqueue(name, concurrency_key="k")
    return [claim("claim 1"), claim("claim 2"), claim("claim 3")][:2]


def _three_claims_of_two_places(stage: Stage) -> Sequence[Act]:
    for name in "abcd":
        stage.enqueue(name, concurrency_key="k", concurrency_limit=2)
    return [claim("claim 1"), claim("claim 2"), claim("claim 3")]


def _expired_with_keys(stage: Stage) -> Sequence[Act]:
    for key in "ab":
        stage.run(f"dead {key}", concurrency_key=key, queue=key)
    for key in "ab":
        stage.enqueue(f"next {key}", concurrency_key=key, queue="b" if key == "a" else "a")
    return [claim("claim 1", queue="a", limit=3, now=LATER), claim("claim 2", queue="b", limit=3, now=LATER)]


def _finish_and_claim(stage: Stage) -> Sequence[Act]:
    lease = stage.run("running", concurrency_key="k")
    for name in "ab":
        stage.enqueue(name, concurrency_key="k")
    return [finish("finish", lease), claim("claim", limit=2)]


def _fail_and_claim(stage: Stage) -> Sequence[Act]:
    lease = stage.run("running", concurrency_key="k")
    for name in "ab":
        stage.enqueue(name, concurrency_key="k")
    failure = Failure(lease=lease, error_message="failed", wait=timedelta(hours=1))
    return [act("fail", lambda store: store.executions.fail_many([failure], now=NOW)), claim("claim", limit=2)]


def _cancel_and_claim(stage: Stage) -> Sequence[Act]:
    lease = stage.run("running", concurrency_key="k")
    for name in "ab":
        stage.enqueue(name, concurrency_key="k")
    return [cancel("cancel", lease.execution_id), claim("claim", limit=2)]


def _cancel_in_another_order(stage: Stage) -> Sequence[Act]:
    """A family has places of b and a, in that order; others return theirs, of a and b."""
    both: dict[str, Any] = {"concurrency_limit": 3}
    parent = stage.run("parent", concurrency_key="b", **both)
    stage.run("child", concurrency_key="a", parent_execution_id=parent.execution_id, **both)
    leases = [stage.run(f"other {key}", concurrency_key=key) for key in "ab"]
    third = stage.run("third", concurrency_key="a")
    return [cancel("cancel", parent.execution_id), finish("finish two", *leases), finish("finish one", third)]


def _expired_in_another_order(stage: Stage) -> Sequence[Act]:
    """Leases of b and a have ended, in that order; others return theirs, of a and b."""
    for number, key in enumerate("ba"):
        lease_time = LEASE / 2 + number * timedelta(seconds=1)
        stage.run(f"dead {key}", concurrency_key=key, concurrency_limit=3, queue="dead", lease=lease_time)
    leases = [stage.run(f"other {key}", concurrency_key=key) for key in "ab"]
    third = stage.run("third", concurrency_key="a")
    wake = claim("claim", queue="dead", limit=2, now=NOW + LEASE)
    return [wake, finish("finish two", *leases), finish("finish one", third)]


def _batches(stage: Stage) -> Sequence[Act]:
    """Three batches of the same leases, each in another order."""
    one, two, three = (stage.run(name) for name in ("one", "two", "three"))

    def record(store: Namespaces) -> Any:
        return store.node_executions.record_many([result(lease) for lease in (two, one, three)])

    def heartbeat(store: Namespaces) -> set[UUID]:
        return store.executions.heartbeat([three, two, one], lease=LEASE, now=NOW)

    return [act("record", record), act("heartbeat", heartbeat), finish("finish", one, three, two)]


def _finish_finish_claim(stage: Stage) -> Sequence[Act]:
    leases = [stage.run(name, concurrency_key="k", concurrency_limit=2) for name in ("one", "two")]
    for name in "abc":
        stage.enqueue(name, concurrency_key="k")
    return [finish("finish 1", leases[0]), finish("finish 2", leases[1]), claim("claim", limit=3)]


def _limit_and_claim(stage: Stage) -> Sequence[Act]:
    stage.run("running", concurrency_key="k")
    for name in "abc":
        stage.enqueue(name, concurrency_key="k")
    return [
        act("raise the limit", lambda store: store.concurrency_limits.set("k", 2), Role.APP),
        claim("claim", limit=3),
    ]


def _no_limit_and_claim(stage: Stage) -> Sequence[Act]:
    stage.run("running", concurrency_key="k")
    for name in "ab":
        stage.enqueue(name, concurrency_key="k")
    return [
        act("remove the limit", lambda store: store.concurrency_limits.remove("k"), Role.APP),
        claim("claim", limit=3),
    ]


# --- the fence --------------------------------------------------------------------------------------------


def _record_and_take_over(stage: Stage) -> Sequence[Act]:
    lease = stage.run("running")

    def record(store: Namespaces) -> Any:
        return store.node_executions.record_many([result(lease, output_data={"by": 1})])

    def take_over(actor: Actor) -> list[Any]:
        def claimed(store: Namespaces) -> list[ClaimedExecution]:
            return store.executions.claim(queue="default", worker_id="2", limit=1, lease=LEASE, now=LATER)

        leases = actor.transaction(claimed)
        if not leases:
            return []
        return [leases[0], actor.transaction(lambda store: store.node_executions.all_of(leases[0].execution_id))]

    return [act("record", record), Act("take over", Role.WORKER, take_over)]


def _successor_saw_all(stage: Stage, run: Run) -> None:
    no_errors(stage, run)
    execution_id = stage.ids["running"]
    stored = {row.node_id for row in stage.app.node_executions.all_of(execution_id)}
    if run.outcomes["record"] == [None]:
        assert stored == {"a"}, "an acknowledged result is gone"
    else:
        assert isinstance(run.outcomes["record"][0], LeaseLost), run.outcomes["record"]
        assert not stored, "a refused result is there"
    if run.outcomes["take over"]:
        assert {row.node_id for row in run.outcomes["take over"][1]} == stored, "written after it was taken over"


def _record_and_finish(stage: Stage) -> Sequence[Act]:
    lease = stage.run("running")
    return [act("record", lambda store: store.node_executions.record_many([result(lease)])), finish("finish", lease)]


def _recorded_before_the_end(stage: Stage, run: Run) -> None:
    no_errors(stage, run)
    stored = len(stage.app.node_executions.all_of(stage.ids["running"]))
    assert stored == (run.outcomes["record"] == [None])
    assert run.outcomes["finish"] == {stage.ids["running"]}


def _heartbeat_and_take_over(stage: Stage) -> Sequence[Act]:
    lease = stage.run("running")

    def heartbeat(store: Namespaces) -> set[UUID]:
        return store.executions.heartbeat([lease], lease=2 * LEASE, now=LATER)

    return [act("heartbeat", heartbeat), claim("claim", now=LATER)]


def _one_holder(stage: Stage, run: Run) -> None:
    no_errors(stage, run)
    assert bool(run.outcomes["heartbeat"]) + len(run.outcomes["claim"]) == 1, "two have the lease, or none"


def _finish_and_take_over(stage: Stage) -> Sequence[Act]:
    return [finish("finish", stage.run("running")), claim("claim", now=LATER)]


def _finished_or_taken(stage: Stage, run: Run) -> None:
    no_errors(stage, run)
    assert bool(run.outcomes["finish"]) + len(run.outcomes["claim"]) == 1, "ended, and taken over"


def _two_finishes(stage: Stage) -> Sequence[Act]:
    lease = stage.run("running")
    return [finish("finish 1", lease), finish("finish 2", lease)]


def _one_finish(stage: Stage, run: Run) -> None:
    no_errors(stage, run)
    assert sorted(len(outcome) for outcome in run.outcomes.values()) == [0, 1]


def _cancel_and_finish(stage: Stage) -> Sequence[Act]:
    lease = stage.run("running")
    return [cancel("cancel", lease.execution_id), finish("finish", lease)]


def _canceled_or_finished(stage: Stage, run: Run) -> None:
    status = stage.app.executions.get(execution_id=stage.ids["running"]).status
    if run.outcomes["finish"]:
        assert isinstance(run.outcomes["cancel"], AlreadyFinished), run.outcomes["cancel"]
        assert status == "SUCCESS"
    else:
        assert run.outcomes["cancel"] == [stage.ids["running"]]
        assert status == "CANCELED"


# --- enqueuing ----------------------------------------------------------------------------------------------


def _same_key(stage: Stage) -> Sequence[Act]:
    def enqueue(number: int) -> Body:
        wanted = [
            NewExecution(workflow_id=stage.workflow_id, idempotency_key=key, visible_at=NOW)
            for key in (("x", "y") if number else ("y", "x"))
        ]
        return lambda store: store.executions.enqueue(*wanted, now=NOW)

    return [act(f"enqueue {number}", enqueue(number), Role.APP) for number in (0, 1)]


def _once_each(stage: Stage, run: Run) -> None:
    no_errors(stage, run)
    y_x, x_y = run.outcomes["enqueue 0"], run.outcomes["enqueue 1"]
    for one, other in ((y_x[0], x_y[1]), (y_x[1], x_y[0])):
        assert one.created + other.created == 1, "two executions of one key, or none"
        assert one.execution_id == other.execution_id, "they do not agree which"
    queued = stage.app.executions.page_queue(queue="default", after_id=UUID(int=0), limit=9)
    assert {each.execution_id for each in y_x} == {each.execution_id for each in queued}


def _same_key_undone(stage: Stage) -> Sequence[Act]:
    def enqueue(store: Namespaces) -> Any:
        wanted = NewExecution(workflow_id=stage.workflow_id, idempotency_key="x", visible_at=NOW)
        return store.executions.enqueue(wanted, now=NOW)

    def undone(store: Namespaces) -> None:
        enqueue(store)
        raise Rollback

    return [act("enqueue", enqueue, Role.APP), act("undone", undone, Role.APP)]


def _created(stage: Stage, run: Run) -> None:
    [made] = run.outcomes["enqueue"]
    assert made.created, "it is said to be there, and is not"
    assert stage.app.executions.get(execution_id=made.execution_id) is not None


def _new_limits(stage: Stage) -> Sequence[Act]:
    def enqueue(*keys: str) -> Body:
        wanted = [
            NewExecution(workflow_id=stage.workflow_id, concurrency_key=key, visible_at=NOW, execution_id=uuid7())
            for key in keys
        ]
        return lambda store: store.executions.enqueue(*wanted, now=NOW)

    return [act("enqueue 1", enqueue("x", "y"), Role.APP), act("enqueue 2", enqueue("y", "x"), Role.APP)]


def _two_replays(stage: Stage) -> Sequence[Act]:
    lease = stage.run("dead")
    stage.worker.executions.fail(Failure(lease=lease, error_message="failed", retry=False), now=NOW)
    replay: Body = lambda store: store.dead_letters.replay(lease.execution_id)  # noqa: E731
    return [act("replay 1", replay, Role.APP), act("replay 2", replay, Role.APP)]


def _one_replay(stage: Stage, run: Run) -> None:
    refused = [outcome for outcome in run.outcomes.values() if isinstance(outcome, NotFound)]
    assert len(refused) == 1, run.outcomes


RACES = (
    Race("claim against claim", _two_claims, _all_claimed, never_waits=True),
    Race("claim against claim, one place of the key", _one_place, _each_claimed_once),
    Race("claim against claim against claim, two places", _three_claims_of_two_places, _each_claimed_once),
    # Each has the key of an expired lease, from waking it, and would like the other's, for what it claims.
    Race("claim against claim, expired leases of two keys", _expired_with_keys, _each_claimed_once, deadlocks=True),
    Race("finish against claim, one place", _finish_and_claim, no_errors),
    Race("fail against claim, one place", _fail_and_claim, no_errors),
    Race("cancel against claim, one place", _cancel_and_claim, no_errors),
    # Triggers return the places in the order of the rows, not of the keys.
    Race("cancel against finish, places in another order", _cancel_in_another_order, no_errors, deadlocks=True),
    Race("claim against finish, places in another order", _expired_in_another_order, no_errors, deadlocks=True),
    Race("record against heartbeat against finish, in batches", _batches, no_errors),
    Race("finish against finish against claim, two places", _finish_finish_claim, no_errors),
    Race("raise a limit against claim", _limit_and_claim, no_errors),
    Race("remove a limit against claim", _no_limit_and_claim, no_errors),
    Race("record against take over", _record_and_take_over, _successor_saw_all),
    Race("record against finish", _record_and_finish, _recorded_before_the_end),
    Race("heartbeat against take over", _heartbeat_and_take_over, _one_holder),
    Race("finish against take over", _finish_and_take_over, _finished_or_taken),
    Race("finish against finish", _two_finishes, _one_finish),
    Race("cancel against finish", _cancel_and_finish, _canceled_or_finished),
    Race("enqueue against enqueue, one idempotency key", _same_key, _once_each),
    Race("enqueue against enqueue that is undone", _same_key_undone, _created),
    Race("enqueue against enqueue, new limits", _new_limits, no_errors),
    Race("replay against replay of a dead letter", _two_replays, _one_replay),
)

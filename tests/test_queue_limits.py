"""Limits of concurrency keys and pauses on each face: never exceeded, none starved, whatever happens meanwhile."""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests import facekit
from tests.executionkit import LATER, LEASE, NOW, Admin, add_workflow, claim, count, ending, enqueue, pid_of, queued
from tests.queuekit import listening, meeting, one, running, status, together
from wfstore import ClaimedExecution, Role, Store, uuid7
from wfstore.errors import InvalidInput, LeaseLost, NotFound
from wfstore.leases import Failure, RetryPolicy

face, app, hand = facekit.face, facekit.app, facekit.hand


@pytest.fixture
def workflow_id(app: Store) -> UUID:
    return add_workflow(app)


@pytest.fixture
def holder(app: Store, hand: Store, workflow_id: UUID) -> ClaimedExecution:
    """The one execution of key k that may run."""
    return one(app, hand, workflow_id, concurrency_key="k")


def parked(
    app: Store, hand: Store, admin: Admin, holder: ClaimedExecution, number: int = 1, **facts: Any
) -> list[UUID]:
    """More of its key, parked, the most urgent first."""
    ids = enqueue(app, holder.workflow_id, number, concurrency_key="k", **facts)
    assert claim(hand, limit=99, queue=facts.get("queue", "default")) == []
    assert {status(admin, each) for each in ids} == {"parked"}
    return sorted(ids)


def statuses(admin: Admin, ids: list[UUID]) -> list[str]:
    return [status(admin, each) for each in ids]


# --- limits -------------------------------------------------------------------------------------------------


def test_as_many_run_as_the_limit_says_most_urgent_first(
    app: Store, hand: Store, workflow_id: UUID, admin: Admin
) -> None:
    made = {
        priority: enqueue(app, workflow_id, priority=priority, concurrency_key="k", concurrency_limit=2)[0]
        for priority in (1, 5, 3, 4, 2)
    }
    free = enqueue(app, workflow_id)
    leases = claim(hand, limit=99)
    assert [lease.execution_id for lease in leases] == [made[5], made[4], *free]
    for expected in (3, 2, 1):
        hand.executions.finish(ending(leases.pop(0)))
        leases.insert(0, *claim(hand, limit=99))
        assert leases[0].execution_id == made[expected]
        assert running(admin, "k") == 2


def test_keys_of_tenants_and_of_each_other_are_apart(app: Store, hand: Store, other_tenant: UUID) -> None:
    other = app.for_tenant(other_tenant)
    for store, key in ((app, "k"), (app, "l"), (other, "k")):
        enqueue(store, add_workflow(store), concurrency_key=key)
    assert len(claim(hand, limit=9)) == 2
    assert len(claim(hand.for_tenant(other_tenant), limit=9)) == 1


WAYS_OUT: dict[str, Callable[[Store, Store, ClaimedExecution], Any]] = {
    "finishes": lambda app, hand, lease: hand.executions.finish(ending(lease)),
    "fails": lambda app, hand, lease: hand.executions.fail(Failure(lease=lease, error_message="")),
    "fails for good": lambda app, hand, lease: hand.executions.fail(
        Failure(lease=lease, error_message="", retry=False)
    ),
    "is canceled": lambda app, hand, lease: app.executions.cancel(lease.execution_id),
    "waits": lambda app, hand, lease: hand.executions.suspend(lease, signal="go", now=NOW),
}


@pytest.mark.parametrize("way", WAYS_OUT)
def test_a_place_goes_to_the_next_when_its_holder(
    way: str, app: Store, hand: Store, holder: ClaimedExecution, admin: Admin
) -> None:
    first, second = parked(app, hand, admin, holder, 2)
    WAYS_OUT[way](app, hand, holder)
    assert statuses(admin, [first, second]) == ["ready", "parked"]
    [lease] = claim(hand, limit=9)
    assert lease.execution_id == first
    if way == "waits":  # and when it is woken it waits for a place
        app.executions.signal(holder.execution_id, "go", now=NOW)
        assert claim(hand, limit=9) == []
        assert status(admin, holder.execution_id) == "parked"
    WAYS_OUT["finishes"](app, hand, lease)
    assert len(claim(hand, limit=9)) == 1
    assert running(admin, "k") == 1


@pytest.mark.parametrize("way", ["finishes", "fails", "fails for good", "is canceled"])
def test_who_serves_the_queue_of_the_next_hears_of_it(
    way: str, app: Store, hand: Store, holder: ClaimedExecution, database: str
) -> None:
    enqueue(app, holder.workflow_id, queue="mail", concurrency_key="k")
    assert claim(hand, queue="mail") == []
    plain = one(app, hand, holder.workflow_id)
    with listening(database) as ears:
        WAYS_OUT[way](app, hand, plain)
        assert ears.heard() == []
        WAYS_OUT[way](app, hand, holder)
        assert ears.heard() == ["mail"]


def test_a_release_that_rolls_back_tells_nobody_and_lets_nobody_in(
    app: Store, hand: Store, holder: ClaimedExecution, database: str, admin: Admin
) -> None:
    [next_one] = parked(app, hand, admin, holder)

    def body() -> None:
        with hand.transaction() as tx:
            tx.executions.finish(ending(holder))
            raise ZeroDivisionError

    with listening(database) as ears:
        with pytest.raises(ZeroDivisionError):
            body()
        assert ears.heard() == []
    assert statuses(admin, [next_one, holder.execution_id]) == ["parked", "running"]


def test_a_holder_whose_lease_is_over_keeps_its_place_until_it_is_taken_over(
    app: Store, hand: Store, holder: ClaimedExecution, admin: Admin
) -> None:
    [later] = parked(app, hand, admin, holder, priority=-1)
    [again] = claim(hand, limit=9, now=LATER)
    assert (again.execution_id, again.failures, running(admin, "k")) == (holder.execution_id, 1, 1)
    with pytest.raises(LeaseLost):
        hand.executions.finish(ending(holder))
    assert status(admin, later) == "parked"


def test_a_holder_that_is_given_up_makes_place(app: Store, hand: Store, workflow_id: UUID, admin: Admin) -> None:
    holder = one(app, hand, workflow_id, concurrency_key="k", retry=RetryPolicy(max_attempts=1))
    [later] = parked(app, hand, admin, holder)
    assert [lease.execution_id for lease in claim(hand, limit=9, now=LATER)] == [later]
    assert status(admin, holder.execution_id) == "ERROR"


def test_limits_changed_while_executions_are_parked(
    app: Store, hand: Store, holder: ClaimedExecution, database: str, admin: Admin
) -> None:
    ids = parked(app, hand, admin, holder, 5)
    with listening(database) as ears:
        app.concurrency_limits.set("k", 3)
        assert (statuses(admin, ids), ears.heard()) == (["ready"] * 2 + ["parked"] * 3, ["default"])
        app.concurrency_limits.set("k", 2)  # two are ready already: one of them is parked when it is claimed
        assert ears.heard() == []
        [second] = claim(hand, limit=9)
        assert (running(admin, "k"), statuses(admin, ids).count("parked")) == (2, 4)
        app.concurrency_limits.set("k", 0)
        for lease in (holder, second):
            hand.executions.finish(ending(lease))
        assert (claim(hand, limit=9), ears.heard()) == ([], [])
        assert statuses(admin, ids).count("parked") == 4
        app.concurrency_limits.set("k", 1)
        assert ears.heard() == ["default"]
        assert len(claim(hand, limit=9)) == 1
        assert app.concurrency_limits.remove("k") is True
        assert ears.heard() == ["default"]
        assert len(claim(hand, limit=9)) == 3
        assert app.concurrency_limits.remove("k") is False
        assert ears.heard() == []


def test_below_what_runs_nobody_is_stopped_and_nobody_let_in(
    app: Store, hand: Store, workflow_id: UUID, admin: Admin
) -> None:
    ids = enqueue(app, workflow_id, 5, concurrency_key="k", concurrency_limit=3)
    leases = claim(hand, limit=9)
    app.concurrency_limits.set("k", 1)
    for still in (2, 1):
        hand.executions.finish(ending(leases.pop()))
        assert (claim(hand, limit=9), running(admin, "k")) == ([], still)
    hand.executions.finish(ending(leases.pop()))
    assert (len(claim(hand, limit=9)), running(admin, "k")) == (1, 1)
    assert statuses(admin, ids).count("parked") == 1


def test_enqueuing_does_not_change_a_limit(app: Store, hand: Store, workflow_id: UUID) -> None:
    app.concurrency_limits.set("k", 2)
    enqueue(app, workflow_id, 5, concurrency_key="k", concurrency_limit=4)
    found = app.concurrency_limits.get(concurrency_key="k")
    assert found is not None
    assert (found.max_running, len(claim(hand, limit=9))) == (2, 2)


@pytest.mark.parametrize("which", ["parked", "ready"])
def test_canceled_while_it_waits_for_a_place_or_has_one(
    which: str, app: Store, hand: Store, holder: ClaimedExecution, admin: Admin
) -> None:
    first, second, third = parked(app, hand, admin, holder, 3)
    if which == "ready":
        hand.executions.finish(ending(holder))
        assert statuses(admin, [first, second]) == ["ready", "parked"]
    app.executions.cancel(first)
    assert status(admin, second) == ("ready" if which == "ready" else "parked")
    if which == "parked":
        hand.executions.finish(ending(holder))
    assert [lease.execution_id for lease in claim(hand, limit=9)] == [second]
    assert status(admin, third) == "parked"


# --- at the same time ---------------------------------------------------------------------------------------


def test_of_two_claims_at_once_the_second_waits_and_is_not_let_in(
    app: Store, hand: Store, workflow_id: UUID, admin: Admin
) -> None:
    ids = enqueue(app, workflow_id, 2, concurrency_key="k")
    with meeting(hand, admin, claim, lambda: claim(hand, limit=9)) as [late]:
        assert late.result(timeout=30) == []
    assert (sorted(statuses(admin, ids)), running(admin, "k")) == (["parked", "running"], 1)


def test_a_claim_that_waits_for_the_end_of_the_holder_gets_its_place(
    app: Store, hand: Store, holder: ClaimedExecution, admin: Admin
) -> None:
    [identifier] = enqueue(app, holder.workflow_id, concurrency_key="k")
    with meeting(hand, admin, lambda tx: tx.executions.finish(ending(holder)), lambda: claim(hand)) as [late]:
        assert [lease.execution_id for lease in late.result(timeout=30)] == [identifier]


@pytest.mark.parametrize("way", WAYS_OUT)
def test_who_leaves_while_a_claim_parks_the_next_lets_it_in(
    way: str, app: Store, hand: Store, holder: ClaimedExecution, admin: Admin
) -> None:
    [identifier] = enqueue(app, holder.workflow_id, concurrency_key="k")
    with meeting(hand, admin, claim, lambda: WAYS_OUT[way](app, hand, holder)) as [late]:
        late.result(timeout=30)
    assert status(admin, identifier) == "ready"


def test_two_ends_at_once_let_in_two(app: Store, hand: Store, workflow_id: UUID, admin: Admin) -> None:
    ids = enqueue(app, workflow_id, 5, concurrency_key="k", concurrency_limit=2)
    first, second = claim(hand, limit=9)
    with meeting(
        hand, admin, lambda tx: tx.executions.finish(ending(first)), lambda: hand.executions.finish(ending(second))
    ) as [late]:
        late.result(timeout=30)
    assert sorted(statuses(admin, ids)) == ["SUCCESS", "SUCCESS", "parked", "ready", "ready"]


@pytest.mark.parametrize("outcome", ["signal", "cancel that rolls back"])
def test_who_is_locked_when_a_place_becomes_free_gets_it_all_the_same(
    outcome: str, app: Store, hand: Store, holder: ClaimedExecution, admin: Admin
) -> None:
    """A lock is no end: passed over, it would be parked for ever, with nobody running who comes back for it."""
    [identifier] = parked(app, hand, admin, holder)
    late = []

    def hold() -> None:
        with app.transaction() as tx:
            if outcome == "signal":
                tx.executions.signal(identifier, "go")
            else:
                tx.executions.cancel(identifier)
            late.append(pool.submit(hand.executions.finish, ending(holder)))
            pid: int = pid_of(tx.connection)
            facekit.until(lambda: late[0].done() or _waits(admin, pid), "the end is done, or waits")
            if outcome != "signal":
                raise ZeroDivisionError

    with ThreadPoolExecutor(1) as pool:
        if outcome == "signal":
            hold()
        else:
            with pytest.raises(ZeroDivisionError):
                hold()
        late[0].result(timeout=30)
    assert status(admin, identifier) == "ready"


def _waits(admin: Admin, pid: int) -> bool:
    text = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid)))"
    return admin.execute(text, [pid]).fetchone() == (True,)


@pytest.mark.parametrize("why", ["paused", "served by nobody"])
def test_what_is_ready_where_nobody_claims_does_not_starve_other_queues(
    why: str, app: Store, hand: Store, holder: ClaimedExecution, admin: Admin
) -> None:
    [here] = parked(app, hand, admin, holder)
    [there] = enqueue(app, holder.workflow_id, queue="there", priority=9, concurrency_key="k")
    if why == "paused":
        app.execution_pauses.pause_queue("there")
    hand.executions.finish(ending(holder))
    assert [lease.execution_id for lease in claim(hand)] == [here]
    assert (status(admin, there), running(admin, "k")) == ("ready", 1)


class _Soak:
    """Workers claim, finish, fail, wait, crash, as dice say; time goes on in steps."""

    def __init__(self, workers: Store) -> None:
        self.workers = workers
        self.gate = threading.Barrier(8)
        self.done = threading.Event()
        self._ticks = itertools.count()

    def work(self, number: int) -> None:
        dice = random.Random(number)
        self.gate.wait(timeout=30)
        while not self.done.is_set():
            now = NOW + next(self._ticks) * LEASE / 20
            for lease in claim(self.workers, limit=dice.randint(1, 8), now=now, worker_id=f"w{number}"):
                with suppress(LeaseLost):
                    self._write(lease, dice.choice(["finish"] * 5 + ["fail", "wait", "crash"]), now)

    def _write(self, lease: ClaimedExecution, what: str, now: datetime) -> None:
        if what == "finish":
            self.workers.executions.finish(ending(lease))
        elif what == "fail":
            failure = Failure(lease=lease, error_message="", wait=timedelta(0))
            self.workers.executions.fail(failure, now=now)
        elif what == "wait":
            self.workers.executions.suspend(lease, until=now + LEASE, now=now)


def test_no_limit_is_exceeded_and_none_starves_whatever_happens(
    database: str, app: Store, admin: Admin, face: facekit.Face
) -> None:
    dice, workflow_id = random.Random(5), add_workflow(app)
    limits = {f"k{n}": 1 + n % 3 for n in range(5)}
    keys = [dice.choice(list(limits)) for _ in range(150)]
    policy = RetryPolicy(max_attempts=4, wait=timedelta(0))
    for key in keys:
        facts: dict[str, Any] = {"concurrency_key": key, "concurrency_limit": limits[key], "retry": policy}
        enqueue(app, workflow_id, priority=dice.randrange(3), **facts)
    exceeded = []

    def all_ended() -> bool:
        text = "SELECT concurrency_key, count(*) FROM execution_queue WHERE status = 'RUNNING' GROUP BY 1"
        exceeded.extend([found for found in admin.execute(text).fetchall() if found[1] > limits[found[0]]])
        return count(admin, "execution_queue") == 0

    with face.connect(database, role=Role.WORKER, min_size=8, max_size=8) as workers, ThreadPoolExecutor(8) as pool:
        soak = _Soak(workers)
        futures = [pool.submit(soak.work, number) for number in range(8)]
        try:
            facekit.until(all_ended, "all have ended")
        finally:
            soak.done.set()
        for future in futures:
            future.result(timeout=30)
    assert exceeded == []
    assert count(admin, "workflow_executions WHERE end_time IS NOT NULL") == 150


# --- pauses -------------------------------------------------------------------------------------------------


def test_a_paused_queue_hands_out_nothing_and_what_runs_goes_on(
    app: Store, hand: Store, workflow_id: UUID, database: str, other_tenant: UUID
) -> None:
    lease = one(app, hand, workflow_id)
    other = app.for_tenant(other_tenant)
    enqueue(other, add_workflow(other))
    [waiting] = enqueue(app, workflow_id)
    [mail] = enqueue(app, workflow_id, queue="mail")
    assert app.execution_pauses.pause_queue("default", reason="disk full") is True
    assert app.execution_pauses.pause_queue("default") is False
    [pause] = app.execution_pauses.page(after_kind="", after_name="", limit=9)
    assert (pause.kind, pause.name, pause.reason) == ("QUEUE", "default", "disk full")
    assert claim(hand, limit=9) == []
    assert [each.execution_id for each in claim(hand, queue="mail")] == [mail]
    assert len(claim(hand.for_tenant(other_tenant))) == 1
    hand.executions.finish(ending(lease))
    with listening(database) as ears:
        assert app.execution_pauses.resume_queue("default") is True
        assert ears.heard() == ["default"]
        assert app.execution_pauses.resume_queue("default") is False
        assert ears.heard() == []
    assert [each.execution_id for each in claim(hand)] == [waiting]


def test_a_paused_workflow_starts_nothing_and_all_of_it_comes_back(
    app: Store, hand: Store, workflow_id: UUID, database: str, admin: Admin
) -> None:
    lease = one(app, hand, workflow_id)
    waits = one(app, hand, workflow_id)
    hand.executions.suspend(waits, signal="go", now=NOW)
    ids = enqueue(app, workflow_id, 20) + enqueue(app, workflow_id, queue="mail")
    [other] = enqueue(app, add_workflow(app), priority=-1)
    assert app.execution_pauses.pause_workflow(workflow_id, reason="broken") is True
    assert app.execution_pauses.pause_workflow(workflow_id) is False
    assert [each.execution_id for each in claim(hand)] == [other]  # behind twenty that may not run
    assert claim(hand, queue="mail") == []
    assert set(statuses(admin, ids)) == {"parked"}
    app.executions.signal(waits.execution_id, "go", now=NOW)
    assert claim(hand) == []
    hand.executions.finish(ending(lease))
    with listening(database) as ears:
        assert app.execution_pauses.resume_workflow(workflow_id) is True
        assert ears.heard() == ["default", "mail"]
        assert app.execution_pauses.resume_workflow(workflow_id) is False
        assert ears.heard() == []
    assert len(claim(hand, limit=99)) == 21
    assert len(claim(hand, queue="mail")) == 1


def test_what_a_claim_parks_while_somebody_resumes_is_let_in(
    app: Store, hand: Store, workflow_id: UUID, admin: Admin
) -> None:
    ids = enqueue(app, workflow_id, 2)
    app.execution_pauses.pause_workflow(workflow_id)
    with meeting(hand, admin, claim, lambda: app.execution_pauses.resume_workflow(workflow_id)) as [late]:
        assert late.result(timeout=30) is True
    assert statuses(admin, ids) == ["ready", "ready"]


def test_two_claims_that_wait_for_a_resume_get_what_it_lets_in(
    app: Store, hand: Store, workflow_id: UUID, admin: Admin
) -> None:
    enqueue(app, workflow_id, 4)
    app.execution_pauses.pause_workflow(workflow_id)

    def resume(tx: Any) -> Any:
        return tx.execution_pauses.resume_workflow(workflow_id)

    with meeting(app, admin, resume, lambda: claim(hand, limit=2), lambda: claim(hand, limit=2)) as late:
        found = [lease.execution_id for each in late for lease in each.result(timeout=30)]
    assert len(set(found)) == len(found) == 4


def test_a_pause_that_comes_while_a_claim_waits_is_ended_for_what_it_parks(
    app: Store, hand: Store, workflow_id: UUID, admin: Admin
) -> None:
    """It is a later one than the claim saw at first; who ends it waits for the claim all the same."""
    ids = enqueue(app, workflow_id, 2, concurrency_key="k", concurrency_limit=3)
    claiming: Any
    with ThreadPoolExecutor(2) as pool:
        with hand.transaction() as claiming:
            with admin.transaction():
                admin.execute("SELECT FROM concurrency_limits FOR UPDATE")
                late = pool.submit(claim, claiming, limit=9)
                facekit.until(lambda: _waits(admin, pid_of(admin)), "the claim waits for the limit")
                assert app.execution_pauses.pause_workflow(workflow_id) is True
            assert late.result(timeout=30) == []
            resumed = pool.submit(app.execution_pauses.resume_workflow, workflow_id)
            facekit.until(lambda: _waits(admin, pid_of(claiming.connection)), "the resume waits for the claim")
        assert resumed.result(timeout=30) is True
    assert statuses(admin, ids) == ["ready", "ready"]


def test_claims_and_pauses_and_resumes_without_end_lose_none(
    app: Store, hand: Store, workflow_id: UUID, admin: Admin
) -> None:
    ids = enqueue(app, workflow_id, 60, concurrency_key="k", concurrency_limit=3)

    def toggle() -> list[UUID]:
        for _ in range(30):
            app.execution_pauses.pause_workflow(workflow_id)
            app.execution_pauses.resume_workflow(workflow_id)
        return []

    def work() -> list[UUID]:
        found = []
        for _ in range(60):
            for lease in claim(hand, limit=4):
                assert running(own, "k") <= 3
                hand.executions.finish(ending(lease))
                found.append(lease.execution_id)
        return found

    own = admin
    found = [each for part in together(toggle, work, work) for each in part]
    while leases := claim(hand, limit=9):
        hand.executions.finish_many([ending(lease) for lease in leases])
        found += [lease.execution_id for lease in leases]
    assert sorted(found) == sorted(ids)


def test_a_place_is_not_kept_for_who_is_paused(app: Store, hand: Store, workflow_id: UUID, admin: Admin) -> None:
    """The next of its key belongs to a paused workflow: the place goes to the one after it."""
    holder = one(app, hand, workflow_id, concurrency_key="k")
    paused_workflow = add_workflow(app)
    [paused] = enqueue(app, paused_workflow, concurrency_key="k", priority=9)
    [after] = enqueue(app, workflow_id, concurrency_key="k")
    assert claim(hand, limit=9) == []
    app.execution_pauses.pause_workflow(paused_workflow)
    hand.executions.finish(ending(holder))
    assert status(admin, paused) == "ready"
    assert [lease.execution_id for lease in claim(hand)] == [after]
    assert queued(app, paused).parked_by == "WORKFLOW"
    app.execution_pauses.resume_workflow(paused_workflow)
    assert claim(hand, limit=9) == []
    assert queued(app, paused).parked_by == "CONCURRENCY"


# --- what makes no sense ------------------------------------------------------------------------------------


def test_what_makes_no_sense_is_refused_by_name(app: Store, admin: Admin) -> None:
    calls: dict[str, Any] = {
        "the limit of 'k' cannot be -1": lambda: app.concurrency_limits.set("k", -1),
        "max_running": lambda: app.concurrency_limits.set("k", 2**31),
        "the concurrency key is empty": lambda: app.concurrency_limits.set("", 1),
        "the queue is empty": lambda: app.execution_pauses.pause_queue(""),
        "name": lambda: app.execution_pauses.pause_queue("a\0"),
        "reason": lambda: app.execution_pauses.pause_queue("a", reason="\0"),
    }
    for named, call in calls.items():
        with pytest.raises(InvalidInput, match=named):
            call()
    stranger = uuid7()
    with pytest.raises(NotFound, match=str(stranger)):
        app.execution_pauses.pause_workflow(stranger)
    assert (count(admin, "concurrency_limits"), count(admin, "execution_pauses")) == (0, 0)

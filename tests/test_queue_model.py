"""The queue against its model, step by step and in every interleaving; broken variants of the SQL are caught."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

import wfstore
from tests import queue_model_pairs, queue_model_waits
from tests import queue_model_variants as variants
from tests.executionkit import cloned
from tests.queue_model_invariants import broken, empty
from tests.queue_model_machine import Bench, Machine
from tests.queue_model_races import Ring, schedules
from tests.queue_model_stage import Race, Stage
from tests.queue_model_variants import REAL, Variant
from tests.queue_model_walk import walk
from wfstore import Role, Store
from wfstore.errors import WfstoreError
from wfstore.queryfiles.catalogue import Catalogue
from wfstore.sync.running import PoolRunner

RACES = {race.name: race for race in (*queue_model_pairs.RACES, *queue_model_waits.RACES)}
_SCHEDULES = 24
"""Of each race; most have fewer, and are tried whole."""

BY_THE_MODEL = (
    variants.NO_FENCE_IN_RECORD,
    variants.NO_FENCE_IN_FINISH,
    variants.NO_FENCE_IN_FAIL,
    variants.NO_FENCE_IN_HEARTBEAT,
    variants.NO_FENCE_IN_SUSPEND,
    variants.NO_FENCE_IN_TAKE,
    variants.NO_ORDER,
    variants.NO_REFILL,
    variants.NO_REFILL_WHEN_GONE,
    variants.NO_CHILD_END,
    variants.NO_FAILURES,
    variants.NO_BURIAL,
    variants.NO_SUM,
    variants.NO_COUNT_OF_RETRIES,
)
BY_RACES = (
    (variants.NO_LOCK_IN_RECORD, "record against take over"),
    (variants.NO_LOCK_IN_SUSPEND, "suspend against signal"),
    (variants.NO_LOCK_IN_SIGNAL, "suspend against signal"),
    (variants.NO_LOCK_IN_ADMIT, "claim against claim, one place of the key"),
    (variants.NO_LOCK_OF_PAUSE, "resume against parking claim"),
    (variants.NO_LOCK_IN_REFILL, "cancel against claim, one place"),
    (variants.NO_LOCK_OF_PARENT, "child end against child end"),
    (variants.NO_SKIP_LOCKED, "claim against claim"),
    (variants.NO_REFILL, "fail against claim, one place"),
    (variants.NO_REFILL_WHEN_GONE, "finish against claim, one place"),
    (variants.NO_CHILD_END, "child end against child end"),
    (variants.NO_FENCE_IN_HEARTBEAT, "heartbeat against take over"),
)


@pytest.fixture(scope="module")
def bench(server_url: str) -> Iterator[tuple[str, Bench]]:
    """A database for the whole module, with a store of each role and a superuser's look."""
    with (
        cloned(server_url) as url,
        closing(psycopg.connect(url, autocommit=True)) as admin,
        wfstore.connect(url) as app,
        wfstore.connect(url, role=Role.WORKER) as worker,
    ):
        workflow = {"name": "w", "nodes": [], "connections": []}
        yield url, Bench(app, worker, admin, [app.workflows.add(workflow).id for _ in range(2)])


# --- step by step -------------------------------------------------------------------------------------------


def with_queries(bench: Bench, catalogue: Catalogue) -> Bench:
    """The same bench, with other queries."""
    app, worker = (
        Store(PoolRunner(store.pool, catalogue, store.tenant_id, attempts=5)) for store in (bench.app, bench.worker)
    )
    return replace(bench, app=app, worker=worker)


def live(bench: Bench, *, lives: int) -> None:
    """Let a number of queues live, with the same steps in every run."""

    class OnThisBench(Machine):
        pass

    OnThisBench.bench = bench
    run_state_machine_as_test(
        OnThisBench,
        settings=settings(
            max_examples=lives,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_the_queue_does_what_its_model_says(bench: tuple[str, Bench]) -> None:
    live(bench[1], lives=15)


@pytest.mark.parametrize("variant", BY_THE_MODEL, ids=lambda variant: variant.name)
def test_the_model_catches(variant: Variant, bench: tuple[str, Bench]) -> None:
    admin = bench[1].admin
    with variant.applied(admin) as catalogue, pytest.raises((AssertionError, WfstoreError, ExceptionGroup)):
        walk(with_queries(bench[1], catalogue), range(60))


def test_a_walk_by_dice_finds_nothing_in_the_real_one(bench: tuple[str, Bench]) -> None:
    walk(bench[1], range(20))


# --- in every interleaving ----------------------------------------------------------------------------------


def faults_of(race: Race, variant: Variant, url: str, bench: Bench) -> list[str]:
    """Try the schedules of a race; what went wrong in the first one that did."""
    real, changed = REAL.catalogue(), variant.catalogue()

    def catalogue_of(actor: str) -> Catalogue:
        return changed if variant.actor in (None, actor) else real

    with Ring(url, bench.admin) as ring, variant.applied(bench.admin):
        for choose, tell in schedules(_SCHEDULES):
            empty(bench.admin)
            stage = Stage(bench.app, bench.worker, bench.workflow_ids[0])
            run = ring.run(race.prepare(stage), catalogue_of, choose)
            faults = broken(bench.admin)
            if race.never_waits and run.blocked:
                faults.append("somebody waited for a lock")
            if run.deadlocks and not race.deadlocks:
                faults.append("a deadlock")
            try:
                race.check(stage, run)
            except AssertionError as error:
                faults.append(str(error))
            if faults:
                return [str(run), *faults]
            tell(run)
    return []


@pytest.mark.parametrize("race", RACES.values(), ids=lambda race: race.name)
def test_no_interleaving_breaks_anything(race: Race, bench: tuple[str, Bench]) -> None:
    assert faults_of(race, REAL, *bench) == []


@pytest.mark.parametrize(("variant", "race"), BY_RACES, ids=lambda each: getattr(each, "name", each))
def test_the_races_catch(variant: Variant, race: str, bench: tuple[str, Bench]) -> None:
    assert faults_of(RACES[race], variant, *bench), "no interleaving showed what this variant lacks"

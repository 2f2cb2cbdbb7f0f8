"""The model's machine, driven by dice: quicker than hypothesis to where somebody else has the lease."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Any

from tests.queue_model_machine import Bench, Machine

_LEASED = ["heartbeat", "record", "finish", "fail", "suspend", "take_signal", "wait_for_a_child"]
_STEPS = [*["claim", "let_leases_end"] * 3, "claim_everywhere", "enqueue", "signal", "cancel", "wait", *_LEASED * 2]


def walk(bench: Bench, seeds: Iterable[int], *, steps: int = 40) -> None:
    """Let a queue live for each seed; AssertionError when it does not do what its model says."""
    for seed in seeds:
        rng = random.Random(seed)
        machine = _machine(bench)
        machine.begin(batch=[_new(rng) for _ in range(6)])
        _look(machine)
        for _ in range(steps):
            name = rng.choice(_STEPS)
            if machine.leases or name not in _LEASED:
                getattr(machine, name)(**_ARGUMENTS[name](rng))
                _look(machine)


def _machine(bench: Bench) -> Any:
    class OnThisBench(Machine):
        pass

    OnThisBench.bench = bench
    return OnThisBench()


def _look(machine: Any) -> None:
    machine.nothing_is_broken()
    machine.model_and_database_agree()


def _new(rng: random.Random) -> dict[str, Any]:
    return {
        "queue": rng.choice(["default", "default", "other"]),
        "key": rng.choice([None, "k", "l"]),
        "priority": rng.randrange(3),
        "delay": rng.choice([0, 0, 0, 20]),
        "max_attempts": rng.choice([1, 4, 6]),
        "parent": rng.choice([None, rng.randrange(99)]),
        "workflow": rng.randrange(2),
        "limit": rng.randint(1, 2),
        "idempotency_key": None,
    }


def _place(rng: random.Random) -> dict[str, Any]:
    return {"place": rng.randrange(10_000)}


_ARGUMENTS: dict[str, Callable[[random.Random], dict[str, Any]]] = {
    "enqueue": lambda rng: {"drawn": _new(rng)},
    "signal": lambda rng: {**_place(rng), "name": rng.choice(["go", "stop"])},
    "cancel": _place,
    "wait": lambda rng: {"seconds": rng.choice([1, 10, 31])},
    "claim": lambda rng: {"queue": rng.choice(["default", "other"]), "worker": "eve", "limit": rng.randint(1, 3)},
    "claim_everywhere": lambda rng: {"limit": rng.randint(2, 5)},
    "let_leases_end": lambda rng: {},
    "heartbeat": _place,
    "record": lambda rng: {**_place(rng), "node_id": rng.choice("abc")},
    "finish": _place,
    "fail": lambda rng: {**_place(rng), "retry": rng.random() < 0.8},
    "suspend": lambda rng: {
        **_place(rng),
        "seconds": rng.choice([None, 5, 40]),
        "name": rng.choice([None, "go", "stop"]),
        "children": rng.random() < 0.3,
    },
    "take_signal": lambda rng: {**_place(rng), "name": rng.choice(["go", "stop"]), "consumer": rng.choice("ab")},
    "wait_for_a_child": lambda rng: {**_place(rng), "drawn": _new(rng)},
}

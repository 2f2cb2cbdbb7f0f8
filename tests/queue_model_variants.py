"""Deliberately broken variants of the SQL, made from the real texts: each replacement must apply.

A checker that has never seen a fault proves nothing. Each variant takes one thing away that the queue stands on;
`test_queue_model` asserts that the model or the races see it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from tests.executionkit import Admin
from wfstore.catalogue import CATALOGUE
from wfstore.queryfiles.catalogue import Catalogue

_FENCE = "            AND queued.attempt = leased.attempt\n"
_OF_ROW = """
        FROM execution_queue AS queued
        WHERE queued.tenant_id = leased.tenant_id
            AND queued.execution_id = leased.execution_id
"""


@dataclass(frozen=True)
class Variant:
    """What is changed: texts of queries, bodies of functions, triggers that are dropped."""

    name: str
    queries: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """For each query what is replaced and by what; perhaps more than one pair."""
    functions: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    dropped_trigger: str | None = None
    actor: str | None = None
    """Of a race: only this one has the changed queries."""

    def catalogue(self) -> Catalogue:
        """The queries with this variant's changes."""
        broken = copy.copy(CATALOGUE)
        namespaces = {name: dict(queries) for name, queries in CATALOGUE.namespaces.items()}
        for name, change in self.queries.items():
            namespace, _, query = name.partition(".")
            real = CATALOGUE[name]
            namespaces[namespace][query] = replace(real, text=_changed(real.text, *change))
        broken.namespaces = namespaces
        return broken

    @contextmanager
    def applied(self, admin: Admin) -> Iterator[Catalogue]:
        """Change functions and triggers of this database for a while."""
        undo = []
        for name, change in self.functions.items():
            [[real]] = admin.execute("SELECT pg_get_functiondef(%s::regproc)", [name]).fetchall()
            admin.execute(_changed(real, *change))
            undo.append(real)
        if self.dropped_trigger is not None:
            found = admin.execute(
                "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname = %s AND NOT tgisinternal",
                [self.dropped_trigger],
            )
            [[real]] = found.fetchall()
            admin.execute(f"DROP TRIGGER {self.dropped_trigger} ON execution_queue")
            undo.append(real)
        try:
            yield self.catalogue()
        finally:
            for statement in undo:
                admin.execute(statement)


def _changed(text: str, *change: str) -> str:
    """Replace all there is of a text, pair by pair; a variant that changes nothing would prove nothing."""
    for old, new in zip(change[::2], change[1::2], strict=True):
        if old not in text:
            raise LookupError(f"the variant does not apply any more: {old!r} is not in\n{text}")
        text = text.replace(old, new)
    return text


REAL = Variant("real")

NO_FENCE_IN_RECORD = Variant(
    "no fence in record_many",
    # whoever has it now, the result is taken
    queries={
        "node_executions.record_many": (
            f"SELECT queued.tenant_id, queued.execution_id, queued.attempt{_OF_ROW}{_FENCE}",
            f"SELECT queued.tenant_id, queued.execution_id, leased.attempt{_OF_ROW}",
        )
    },
)
NO_FENCE_IN_FINISH = Variant(
    "no fence in finish_many", queries={"executions.finish_many": ("        AND q.attempt = item.attempt\n", "")}
)
NO_FENCE_IN_FAIL = Variant(
    "no fence in fail_many",
    queries={
        "executions.fail_many": (
            *(_FENCE, "", "queued.attempt,", "leased.attempt,"),
            *("        AND q.attempt = outcome.attempt\n", ""),
        )
    },
)
NO_FENCE_IN_HEARTBEAT = Variant("no fence in heartbeat_many", queries={"executions.heartbeat_many": (_FENCE, "")})
NO_FENCE_IN_SUSPEND = Variant(
    "no fence in suspend", queries={"executions.suspend": ("        AND q.attempt = %(attempt)s\n", "")}
)
NO_FENCE_IN_TAKE = Variant(
    "no fence in take", queries={"execution_signals.take": ("        AND q.attempt = %(attempt)s\n", "")}
)
NO_LOCK_IN_RECORD = Variant(
    "no lock in record_many", queries={"node_executions.record_many": ("        FOR SHARE\n", "")}
)
NO_LOCK_IN_SUSPEND = Variant(
    "no lock before suspend", queries={"executions.lock": ("\nFOR UPDATE", "")}, actor="suspend"
)
NO_LOCK_IN_SIGNAL = Variant("no lock before signal", queries={"executions.lock": ("\nFOR UPDATE", "")}, actor="signal")
NO_LOCK_IN_ADMIT = Variant(
    "no lock of the key in admit",
    functions={"wfstore_admit": ("        FOR UPDATE\n    ) AS place;", "    ) AS place;")},
)
NO_LOCK_OF_PAUSE = Variant(
    "no lock of the pause in admit",
    functions={"wfstore_admit": ("FOR SHARE\n", "\n")},
)
NO_LOCK_IN_REFILL = Variant(
    "no lock of the key in refill",
    functions={
        "wfstore_refill": (
            "        AND l.concurrency_key = of_key\n    FOR UPDATE;",
            "        AND l.concurrency_key = of_key;",
        )
    },
)
NO_LOCK_OF_PARENT = Variant(
    "no lock of the parent", functions={"wfstore_child_ended": ("    FOR NO KEY UPDATE;", "    ;")}
)
NO_SKIP_LOCKED = Variant(
    "no SKIP LOCKED in claim", queries={"executions.claim": ("FOR UPDATE OF q SKIP LOCKED", "FOR UPDATE OF q")}
)
NO_ORDER = Variant(
    "no ORDER BY in claim",
    # Without one any order will do; that of an index, which happens to be right, is only one of them.
    queries={
        "executions.claim": ("    ORDER BY q.priority DESC, q.visible_at, q.execution_id\n", "    ORDER BY random()\n")
    },
)
NO_REFILL = Variant("no refill when one stops", dropped_trigger="execution_queue_stopped")
NO_REFILL_WHEN_GONE = Variant("no refill when one goes", dropped_trigger="execution_queue_gone")
NO_CHILD_END = Variant("no wake-up of parents", dropped_trigger="execution_queue_child_ended")
NO_FAILURES = Variant(
    "an expired lease is no failure",
    queries={"executions.wake_due": ("        failures = q.failures + (q.status = 'RUNNING')::integer,\n", "")},
)
NO_BURIAL = Variant(
    "given up without a dead letter",
    queries={"executions.fail_many": ("    FROM released AS o\n", "    FROM released AS o\n    WHERE false\n")},
)
NO_SUM = Variant(
    "the last batch is all that the roll-up has",
    queries={
        "executions.finish_many": (
            "executions = s.executions + excluded.executions",
            "executions = excluded.executions",
        )
    },
)
NO_COUNT_OF_RETRIES = Variant(
    "what is retried is counted as ended",
    queries={
        "executions.fail_many": ("        WHERE NOT written.retried\n", "        WHERE written.end_time IS NULL\n")
    },
)

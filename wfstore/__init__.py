"""The PostgreSQL store of a workflow engine.

`connect()` returns a store: a pool, a tenant, and a namespace for each query file. `queries` has the same
statements as plain functions of a psycopg connection. `wfstore.aio` has both for async code.
"""

from wfstore import errors, models
from wfstore.catalogue import CATALOGUE
from wfstore.history import EndedExecution, HistoryImport, NodeRun
from wfstore.ids import DEFAULT_TENANT, SYSTEM_TENANT, uuid7
from wfstore.leases import ClaimedExecution, Ending, Failure, NewExecution, NodeResult, RetryPolicy, Signal
from wfstore.server import Role
from wfstore.sync.connecting import connect
from wfstore.sync.group_commit import GroupWriter
from wfstore.sync.store import Store, Transaction
from wfstore.sync.typed import TypedQueries

queries = TypedQueries(CATALOGUE)

__all__ = [
    "DEFAULT_TENANT",
    "SYSTEM_TENANT",
    "ClaimedExecution",
    "EndedExecution",
    "Ending",
    "Failure",
    "GroupWriter",
    "HistoryImport",
    "NewExecution",
    "NodeResult",
    "NodeRun",
    "RetryPolicy",
    "Role",
    "Signal",
    "Store",
    "Transaction",
    "connect",
    "errors",
    "models",
    "queries",
    "uuid7",
]

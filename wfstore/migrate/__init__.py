"""Migrations: yoyo's files and marks, applied so that nothing is ever half done.

A migration's statements, its mark and the hash of its content commit together, under a lock that ends with the
session, and never wait long for a lock while others queue behind. Plain yoyo gives the same schema.
"""

from wfstore.migrate.files import MigrationFile, find, known
from wfstore.migrate.look import Loss, loss, plan, plan_rollback, status
from wfstore.migrate.runner import migrate, rollback
from wfstore.migrate.state import Status

__all__ = [
    "Loss",
    "MigrationFile",
    "Status",
    "find",
    "known",
    "loss",
    "migrate",
    "plan",
    "plan_rollback",
    "rollback",
    "status",
]

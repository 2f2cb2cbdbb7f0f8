"""Where the SQL files lie.

The repository has one copy of `queries/`, `migrations/` and `sql/` at its top level. A wheel carries them
inside the package; a checkout (an editable install) finds them beside it.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_IN_WHEEL = _PACKAGE / "_files"
_ROOT = _IN_WHEEL if _IN_WHEEL.is_dir() else _PACKAGE.parent

QUERIES = _ROOT / "queries"
MIGRATIONS = _ROOT / "migrations"
SQL = _ROOT / "sql"

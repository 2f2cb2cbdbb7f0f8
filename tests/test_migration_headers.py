"""What each migration file says of itself, and begins with."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wfstore.resources import MIGRATIONS

UPWARD = sorted(path for path in MIGRATIONS.glob("*.sql") if not path.name.endswith(".rollback.sql"))


@pytest.mark.parametrize("path", UPWARD, ids=lambda path: path.stem)
def test_a_migration_says_why_and_how_to_undo_it(path: Path) -> None:
    text = path.read_text()
    header = re.match(r"(--[^\n]*\n)+", text)
    assert header is not None, "the header is at the very top"
    assert re.search(r"^-- why: {3}\S", header[0], re.MULTILINE)
    assert re.search(r"^-- phase: (expand|contract) +lock: \S", header[0], re.MULTILINE)
    undo = re.search(r"^-- undo:  (\S+)", header[0], re.MULTILINE)
    assert undo is not None
    assert undo[1] == f"{path.stem}.rollback.sql"
    assert (path.parent / undo[1]).is_file()


@pytest.mark.parametrize("path", UPWARD, ids=lambda path: path.stem)
def test_a_migration_begins_with_settings_that_citus_needs(path: Path) -> None:
    """And is bounded in waiting, and works as the owner over rows that row-level security does not hide."""
    text = path.read_text()
    code = re.sub(r"^--.*\n", "", text, flags=re.MULTILINE)
    assert (
        code.startswith(
            "SET LOCAL citus.multi_shard_modify_mode = 'sequential';\n"
            "SET LOCAL citus.enable_local_reference_table_foreign_keys = off;\n"
            "SET LOCAL citus.enable_unsafe_triggers = on;\n"
            "SET LOCAL lock_timeout = '2s';\n"
        )
        or "-- transactional: false" in text
    )
    if "CREATE TABLE" in code:
        as_owner = code.index("SET LOCAL ROLE wfstore_owner;")
        assert code.index("SET LOCAL row_security = off;") < as_owner < code.index("CREATE TABLE")


@pytest.mark.parametrize("path", sorted(MIGRATIONS.glob("*.rollback.sql")), ids=lambda path: path.name)
def test_a_rollback_is_bounded_in_waiting(path: Path) -> None:
    text = path.read_text()
    assert "SET LOCAL lock_timeout = '2s';" in text or "SET lock_timeout" in text

"""The migration files of this release: read, checked, found by id.

Cheap on purpose, and free of yoyo: `connect` reads them to compare them with what a database has applied. The
rules are stricter than yoyo's, which takes any name and any order and overlooks what it does not understand.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wfstore.errors import MigrationError
from wfstore.resources import MIGRATIONS

_NAME = re.compile(r"(?P<number>\d{4})\.[a-z0-9_]+")
_ROLLBACK = ".rollback.sql"
_DIRECTIVE = re.compile(r"^\s*--\s*(transactional|depends)\s*:\s*(.*?)\s*$")
_BUILT_CONCURRENTLY = re.compile(
    r"\b(?:CREATE\s+(?:UNIQUE\s+)?INDEX|REINDEX\s+(?:\([^)]*\)\s*)?INDEX)\s+CONCURRENTLY\s+"
    r"(?:IF\s+NOT\s+EXISTS\s+)?(?:\w+\.)?(\w+)",
    re.IGNORECASE,
)
# Not END: at the beginning of a line it ends the body of a function.
_ENDS_TRANSACTION = re.compile(r"^(?:BEGIN|START\s+TRANSACTION|COMMIT|ROLLBACK|ABORT)\b[^\n]*;", re.I | re.M)
_DROPPED = re.compile(r"^\s*DROP\s+TABLE\s+(?:IF\s+EXISTS\s+)?([\w.,\s]+?)\s*(?:CASCADE|RESTRICT)?\s*;", re.I | re.M)
_TABLE_CHANGED = re.compile(r"^\s*ALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?([\w.]+)([^;]*);", re.I | re.M)
_COLUMN_DROPPED = re.compile(r"\bDROP\s+COLUMN\s+(?:IF\s+EXISTS\s+)?(\w+)", re.I)


@dataclass(frozen=True, slots=True)
class MigrationFile:
    """One migration: `NNNN.what.sql` and its `NNNN.what.rollback.sql`."""

    id: str
    path: Path
    content_hash: str
    """SHA-256 of the text as applied, whatever its line ends. The rollback file may be corrected later."""
    transactional: bool
    depends: tuple[str, ...]

    @property
    def number(self) -> int:
        """Its place in the order."""
        return int(self.id.partition(".")[0])

    @property
    def rollback_path(self) -> Path:
        """The file that undoes it."""
        return self.path.with_name(self.id + _ROLLBACK)

    def indexes_built(self) -> list[str]:
        """Names of the indexes that it builds CONCURRENTLY: a failed build leaves them behind, invalid."""
        return _BUILT_CONCURRENTLY.findall(read(self.path))

    def tables_lost(self) -> list[str]:
        """Tables that its rollback drops."""
        text = read(self.rollback_path)
        return [name.strip() for names in _DROPPED.findall(text) for name in names.split(",")]

    def columns_lost(self) -> list[str]:
        """Columns that its rollback drops, each as `table.column`."""
        text = read(self.rollback_path)
        return [
            f"{table}.{column}"
            for table, rest in _TABLE_CHANGED.findall(text)
            for column in _COLUMN_DROPPED.findall(rest)
        ]


def known(folder: Path = MIGRATIONS) -> list[MigrationFile]:
    """All migrations of this release in order; raises `MigrationError` where a file breaks a rule."""
    files = sorted(path for path in folder.iterdir() if path.suffix in {".sql", ".py"})
    found = [_file(path) for path in files if not path.name.endswith(_ROLLBACK)]
    if not found:
        raise MigrationError(f"there are no migrations in {folder}")
    ids = {file.id for file in found}
    for path in files:
        if path.name.endswith(_ROLLBACK) and path.name.removesuffix(_ROLLBACK) not in ids:
            raise MigrationError(f"{path.name} undoes a migration that is not there")
    _check_order(found)
    return found


def find(wanted: str, files: Sequence[MigrationFile]) -> MigrationFile:
    """The migration of this id, or of this number: `0005.workflows`, `0005` and `5` are the same."""
    for file in files:
        if wanted == file.id or (wanted.isdecimal() and int(wanted) == file.number):
            return file
    near = difflib.get_close_matches(wanted, [file.id for file in files], n=3, cutoff=0.4)
    hint = f"Did you mean {' or '.join(near)}?" if near else f"They run from {files[0].id} to {files[-1].id}."
    raise MigrationError(f"there is no migration {wanted!r}", hint=hint)


def number_of(migration_id: str) -> int | None:
    """The number that an id begins with; None for an id that is not one of ours."""
    match = _NAME.fullmatch(migration_id)
    return int(match["number"]) if match else None


def read(path: Path) -> str:
    """The text of a migration; its line ends are `\\n` whatever the checkout made of them."""
    return path.read_text(encoding="utf-8")


def _file(path: Path) -> MigrationFile:
    if path.suffix != ".sql" or not _NAME.fullmatch(path.stem):
        raise MigrationError(
            f"{path.name} is not the name of a migration",
            hint="Name it NNNN.what.sql: four digits, then lower-case letters, digits and underscores.",
        )
    if not path.with_name(path.stem + _ROLLBACK).is_file():
        raise MigrationError(f"{path.name} has no {path.stem}{_ROLLBACK}", hint="Write how it is undone.")
    text = read(path)
    directives = _directives(path.name, text)
    if directives.get("transactional", "true").lower() not in {"true", "false"}:
        raise MigrationError(f"{path.name}: `-- transactional:` is followed by neither true nor false")
    transactional = directives.get("transactional", "true").lower() == "true"
    if transactional:
        _check_whole(path.name, text)
        _check_whole(path.stem + _ROLLBACK, read(path.with_name(path.stem + _ROLLBACK)))
    return MigrationFile(
        id=path.stem,
        path=path,
        content_hash=hashlib.sha256(text.encode()).hexdigest(),
        transactional=transactional,
        depends=tuple(directives.get("depends", "").split()),
    )


def _directives(name: str, text: str) -> Mapping[str, str]:
    """What the `--` lines at the very top say; yoyo reads no others, so others are refused."""
    directives: dict[str, str] = {}
    header = True
    for number, line in enumerate(text.splitlines(), start=1):
        header = header and (not line.strip() or line.lstrip().startswith("--"))
        match = _DIRECTIVE.match(line)
        if match is None:
            continue
        if not header:
            raise MigrationError(
                f"{name}:{number}: `-- {match[1]}:` stands too late and would be ignored",
                hint="Directives come first in the file, above any statement and any /* */ comment.",
            )
        directives[match[1]] = f"{directives.get(match[1], '')} {match[2]}".strip()
    return directives


def _check_whole(name: str, text: str) -> None:
    """Refuse what would end the transaction in which the migration and its mark commit together."""
    match = _ENDS_TRANSACTION.search(text)
    if match:
        raise MigrationError(
            f"{name}:{text.count(chr(10), 0, match.start()) + 1}: `{match[0]}` would end the migration's transaction",
            hint="Leave it out. What cannot run in a transaction is a migration of its own, -- transactional: false.",
        )


def _check_order(files: Sequence[MigrationFile]) -> None:
    """Numbers run from 1 without a gap, and each migration depends on the one before it."""
    before: MigrationFile | None = None
    for expected, file in enumerate(files, start=1):
        if before is not None and file.number == before.number:
            raise MigrationError(f"{before.id} and {file.id} have the same number", hint="Renumber the newer one.")
        if file.number != expected:
            raise MigrationError(
                f"migration {expected:04} is missing: {file.id} follows {before.id if before else 'nothing'}"
            )
        wanted = before.id if before else ""
        if " ".join(file.depends) != wanted:
            raise MigrationError(
                f"{file.path.name} says `-- depends: {' '.join(file.depends)}` instead of `-- depends: {wanted}`",
                hint="Each depends on the one before it; otherwise plain yoyo applies and rolls back in another order.",
            )
        before = file

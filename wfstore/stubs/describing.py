"""Examine all queries of a folder on a scratch database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg

from wfstore.check.checked import CheckedQuery
from wfstore.check.describe import Refused
from wfstore.check.examined import examine
from wfstore.check.refusals import refusal_finding
from wfstore.check.scratch import apply, scratch_database
from wfstore.check.types import ServerTypes
from wfstore.errors import QueryFileError, WfstoreError
from wfstore.queryfiles.scan import scan
from wfstore.server import Role, resolve
from wfstore.stubs.signatures import Signature, signature_of


@dataclass(frozen=True, slots=True)
class Namespace:
    """A query file, as far as its callers are concerned."""

    name: str
    doc: str
    """The sentence at the top of the file."""
    queries: tuple[Signature, ...]


@contextmanager
def migrated(database_url: str | None, migrations: Path | None = None) -> Iterator[psycopg.Connection[Any]]:
    """Give an administrator's connection to a scratch database with the migrations applied."""
    with scratch_database(resolve(database_url, Role.ADMIN)) as url:
        refused = apply(url, migrations)
        if refused is not None:
            raise WfstoreError(f"a migration was refused: {refused.path}:{refused.line}: {refused.message}")
        with closing(psycopg.connect(url, autocommit=True)) as connection:
            yield connection


def describe_folder(connection: psycopg.Connection[Any], folder: Path, models: ModuleType) -> list[Namespace]:
    """Return the namespaces of a folder of query files.

    Raises:
        QueryFileError: a file breaks a rule, or the server refuses a query.
    """
    paths = sorted(folder.glob("*.sql"))
    if not paths:
        raise QueryFileError(f"{folder}: holds no query files (*.sql)")
    return [_namespace(connection, path, models) for path in paths]


def _namespace(connection: psycopg.Connection[Any], path: Path, models: ModuleType) -> Namespace:
    types = ServerTypes(connection)
    signatures = []
    for statement in scan(path):
        query = CheckedQuery.of(statement)
        try:
            examined = examine(connection, query, models, types)
        except Refused as refusal:
            finding = refusal_finding(connection, query, refusal)
            raise QueryFileError(
                finding.message,
                category=finding.category,
                path=path,
                line=finding.line,
                column=finding.column,
                hint="`wfstore check` says more.",
            ) from refusal
        if not examined.returns.known:
            raise QueryFileError(
                f"returns {examined.returns.name}, which {models.__name__} does not have",
                category="missing-model",
                path=path,
                line=query.header.line,
            )
        signatures.append(signature_of(examined))
    return Namespace(path.stem, _top(path), tuple(signatures))


def _top(path: Path) -> str:
    """Return the comment that a file begins with."""
    lines = path.read_text(encoding="utf-8").split("\n")
    top = [line[2:].strip() for line in takewhile(lambda line: line.startswith("--"), lines)]
    return "\n".join(top) if top and not top[0].startswith("name:") else f"The queries of {path.name}."

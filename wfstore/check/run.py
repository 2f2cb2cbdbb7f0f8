"""The whole check: files, parse trees, a live server, and what the headers excuse."""

from __future__ import annotations

import difflib
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg

from wfstore.check.categories import CATEGORIES
from wfstore.check.checked import CheckedQuery
from wfstore.check.finding import Finding
from wfstore.check.index import index_findings
from wfstore.check.live import live_findings
from wfstore.check.migrationfile import MigrationFaults
from wfstore.check.scratch import apply, scratch_database
from wfstore.check.static.rules import static_findings, syntax_finding
from wfstore.check.static.schema import read_schema
from wfstore.errors import QueryFileError
from wfstore.queryfiles.header import HeaderException
from wfstore.queryfiles.scan import scan_all
from wfstore.server import Role, resolve


@dataclass(frozen=True, slots=True)
class Excuse:
    """An exception of a header or a migration, and where it stands."""

    exception: HeaderException
    path: Path
    query: str | None
    """`namespace.name`; None in a migration."""

    def as_json(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {
            "kind": self.exception.kind,
            "subject": self.exception.subject,
            "reason": self.exception.reason,
            "file": str(self.path),
            "line": self.exception.line,
            "query": self.query,
        }


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check has found."""

    findings: list[Finding]
    """By file, line and column."""
    exceptions: list[Excuse]
    queries: int
    files: int
    """Query files and migrations."""
    complete: bool
    """False where the migrations do not apply: then no query was held against a server."""
    seconds: float


def check(
    files: Path,
    models: ModuleType,
    connection_url: str | None,
    *,
    migrations: Path | None = None,
    tenant_rules: bool = True,
) -> CheckReport:
    """Check a folder of query files (or one file) and, if given, of migrations.

    The server of `connection_url` (an administrator's), of DATABASE_URL, or the embedded one gets a scratch
    database with wfstore's migrations, then those of `migrations` where they are another project's.
    """
    started = time.monotonic()
    reading = _Reading(files)
    of_migrations = MigrationFaults(migrations)
    findings = [*reading.findings, *of_migrations.findings]
    complete = not any(each.category == "syntax" for each in of_migrations.findings)
    if complete:
        with scratch_database(resolve(connection_url, Role.ADMIN)) as url:
            refused = apply(url, migrations)
            complete = refused is None
            findings += [refused] if refused is not None else _against(url, reading.accepted, models)
    if not tenant_rules:
        findings = [each for each in findings if not CATEGORIES[each.category].about_tenants]
    excusing = _Excusing(reading, of_migrations, complete=complete, tenant_rules=tenant_rules)
    findings = excusing.remaining(findings)
    return CheckReport(
        findings=sorted(set(findings), key=lambda each: (str(each.path), each.line, each.column, each.category)),
        exceptions=excusing.all(),
        queries=reading.found,
        files=reading.files + of_migrations.files,
        complete=complete,
        seconds=time.monotonic() - started,
    )


class _Reading:
    """The query files as far as they can be read without a server."""

    def __init__(self, files: Path) -> None:
        paths = sorted(files.glob("*.sql")) if files.is_dir() else [files]
        if not paths:
            raise QueryFileError(f"{files}: holds no query files (*.sql)")
        self.files = len(paths)
        self.findings: list[Finding] = []
        self.queries: list[CheckedQuery] = []
        """All that the scanner accepts."""
        self.accepted: list[CheckedQuery] = []
        """Those that PostgreSQL's grammar accepts, too."""
        self.found = 0
        for path in paths:
            self._read(path)

    def _read(self, path: Path) -> None:
        statements, faults = scan_all(path)
        self.found += path.read_bytes().count(b"-- name:")
        self.findings += [
            Finding(each.category, path, each.line, each.column, each.reason, each.hint) for each in faults
        ]
        for statement in statements:
            header = statement.header
            try:
                query = CheckedQuery.of(statement)
            except ValueError as error:
                self.findings.append(Finding("header", path, header.line, 1, str(error)))
                continue
            self.queries.append(query)
            syntax = syntax_finding(query)
            if syntax is not None:
                self.findings.append(syntax)
            else:
                self.accepted.append(query)


def _against(url: str, queries: Sequence[CheckedQuery], models: ModuleType) -> Iterator[Finding]:
    """Check queries against a migrated database."""
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        schema = read_schema(connection)
        for query in queries:
            yield from static_findings(query, schema)
            yield from live_findings(connection, query, models)
            yield from index_findings(connection, query)


class _Excusing:
    """What headers and migrations allow."""

    def __init__(self, reading: _Reading, migrations: MigrationFaults, *, complete: bool, tenant_rules: bool) -> None:
        self._queries = {query.name: query for query in reading.queries}
        self._checked = {query.name for query in reading.accepted} if complete else set()
        self._migrations = migrations
        self._tenant_rules = tenant_rules

    def all(self) -> list[Excuse]:
        """Return every exception, whatever its kind."""
        of_queries = [
            Excuse(each, query.path, query.name) for query in self._queries.values() for each in query.header.exceptions
        ]
        return of_queries + [Excuse(each.exception, each.path, None) for each in self._migrations.allowances]

    def remaining(self, findings: Sequence[Finding]) -> list[Finding]:
        """Leave out what is allowed; add the exceptions that allow nothing."""
        kept: list[Finding] = []
        used: set[tuple[Path, int]] = set()
        for finding in findings:
            allowed = self._allowing(finding)
            if allowed is None:
                kept.append(finding)
            else:
                used.add((finding.path, allowed.line))
        idle = [each for each in self.all() if each.exception.kind == "allow"]
        for excuse in idle:
            problem = self._useless(excuse) if (excuse.path, excuse.exception.line) not in used else None
            if problem is not None:
                message, hint = problem
                line, column = excuse.exception.line, excuse.exception.column
                kept.append(Finding("bad-exception", excuse.path, line, column, message, hint, excuse.query))
        return kept

    def _allowing(self, finding: Finding) -> HeaderException | None:
        query = self._queries.get(finding.query) if finding.query is not None else None
        if query is not None:
            return query.header.excepted("allow").get(finding.category)
        return next((each.exception for each in self._migrations.allowances if each.covers(finding)), None)

    def _useless(self, excuse: Excuse) -> tuple[str, str | None] | None:
        """Return what is wrong with an exception that has excused nothing; None where that cannot be said."""
        subject = excuse.exception.subject
        category = CATEGORIES.get(subject)
        if category is None:
            near = difflib.get_close_matches(subject, CATEGORIES, n=3, cutoff=0.5)
            return f"{subject} is no kind of fault", f"did you mean {' or '.join(near)}?" if near else None
        unchecked = excuse.query is not None and excuse.query not in self._checked
        if unchecked or (category.about_tenants and not self._tenant_rules):
            return None
        return f"it allows {subject}, and there is nothing of the kind", "take it out"

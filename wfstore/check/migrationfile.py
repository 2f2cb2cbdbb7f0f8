"""A migration on its way through the checks."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import postgast

from wfstore.check.finding import Finding
from wfstore.check.static.migrations import MigrationRules
from wfstore.errors import QueryFileError
from wfstore.queryfiles.header import HeaderException, read_exception
from wfstore.queryfiles.lexer import tokens
from wfstore.resources import MIGRATIONS


@dataclass(frozen=True, slots=True)
class Allowance:
    """An `-- allow:` of a migration and the lines that it is for."""

    exception: HeaderException
    path: Path
    first: int
    last: int

    def covers(self, finding: Finding) -> bool:
        """Whether it excuses a finding."""
        return (
            finding.path == self.path
            and finding.category == self.exception.subject
            and self.first <= finding.line <= self.last
        )


class MigrationFaults:
    """What the rules have against a folder's migrations."""

    def __init__(self, folder: Path | None) -> None:
        self.findings: list[Finding] = []
        self.allowances: list[Allowance] = []
        found = folder.glob("*.sql") if folder is not None else ()
        files = sorted(found, key=lambda path: (path.name.endswith(".rollback.sql"), path.name))
        self.files = len(files)
        rules = MigrationRules()
        if files:
            _tell_of_ours(rules)
        for path in files:
            self._check(path, rules)

    def _check(self, path: Path, rules: MigrationRules) -> None:
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            message = f"not UTF-8: {error.reason} at byte {error.start}"
            self.findings.append(Finding("unreadable-file", path, 1, 1, message))
            return
        try:
            statements = postgast.parse(text).stmts
        except postgast.PgQueryError as error:
            self.findings.append(
                found_at(path, text, max(error.cursorpos - 1, 0), ("syntax", str(error.message), None))
            )
            return
        encoded = text.encode()
        for statement in statements:
            for fault in rules.faults(statement.stmt, text):
                offset = len(encoded[: fault.location].decode())
                self.findings.append(found_at(path, text, offset, (fault.category, fault.message, fault.hint)))
        ends = [each.stmt_location + (each.stmt_len or len(encoded)) for each in statements]
        self._exceptions(path, text, [encoded[:end].count(b"\n") + 1 for end in ends])

    def _exceptions(self, path: Path, text: str, ends: list[int]) -> None:
        """Read the `-- allow:` comments: at the top of the file for all of it, elsewhere for their statement."""
        top = True
        for token in tokens(text):
            if token.kind != "comment":
                top = top and token.kind == "space"
                continue
            read = read_exception(path, token.text, token.line)
            if isinstance(read, QueryFileError):
                column = read.column + token.column - 1
                self.findings.append(Finding(read.category, path, read.line, column, read.reason))
            elif read is not None and top:
                self.allowances.append(Allowance(read, path, 1, text.count("\n") + 1))
            elif read is not None:
                # the statement it stands in, or else the next one
                last = next((last for last in ends if last >= token.line), token.line)
                self.allowances.append(Allowance(read, path, token.line, last))


def _tell_of_ours(rules: MigrationRules) -> None:
    """Let the rules see wfstore's own tables: a project's foreign keys lead to them."""
    for path in sorted(MIGRATIONS.glob("*.sql")):
        text = path.read_text(encoding="utf-8")
        with suppress(postgast.PgQueryError):
            for statement in postgast.parse(text).stmts:
                list(rules.faults(statement.stmt, text))


def found_at(path: Path, text: str, offset: int, fault: tuple[str, str, str | None]) -> Finding:
    """Make a finding (category, message, hint) at an offset (from 0, in characters) of a file's text."""
    before = text[:offset]
    line, column = before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1
    category, message, hint = fault
    return Finding(category, path, line, column, message, hint)

"""`wfstore check`: what PostgreSQL, the models and the rules have against the query files."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated

import typer

from wfstore.cli import output
from wfstore.cli.options import DatabaseUrl
from wfstore.errors import InvalidInput, WfstoreError

if TYPE_CHECKING:
    from wfstore.check.run import CheckReport

Queries = Annotated[
    Path | None,
    typer.Option(
        "--queries", metavar="DIR", show_default=False, help="A folder of query files. Without it: wfstore's own."
    ),
]
Models = Annotated[
    str | None,
    typer.Option(
        "--models", metavar="PACKAGE", show_default=False, help="What `-- returns:` names is looked up in, as imported."
    ),
]
Migrations = Annotated[
    Path | None,
    typer.Option(
        "--migrations",
        metavar="DIR",
        show_default=False,
        help="Migrations to check, and to apply after wfstore's own.",
    ),
]


NoTenantRules = Annotated[
    bool, typer.Option("--no-tenant-rules", help="Leave out the rules about tenants, row-level security, Citus.")
]
Exceptions = Annotated[
    bool, typer.Option("--exceptions", help="List what headers excuse, with the reasons, instead of the faults.")
]
Explain = Annotated[
    str | None,
    typer.Option("--explain", metavar="CATEGORY", show_default=False, help="Say what a category means, and exit."),
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")]


def check(
    *,
    queries: Queries = None,
    models: Models = None,
    migrations: Migrations = None,
    no_tenant_rules: NoTenantRules = False,
    exceptions: Exceptions = False,
    explain: Explain = None,
    json: Json = False,
    database_url: DatabaseUrl = None,
) -> None:
    """Check query files and migrations against a live server: no query ships that would fail there.

    A scratch database is made on the server, migrated, and dropped again. Each query is parsed by PostgreSQL's own
    parser, prepared by the server, compared with its header and model, and held to the rules that keep statements
    fast and tenants apart. A fault reads like a compiler's:

        queries/workflows.sql:42:11: error[unknown-column]: column "nmae" does not exist

    `wfstore check --explain unknown-column` says what it means and how to mend it. Where a rule does not fit, say
    so above the query, with a reason: `-- allow: no-cap (a tenant has three statuses)`.

    For a project of your own: `wfstore check --queries sql/queries --models shop.models --migrations sql/migrations`.

    Exit codes: 0 no faults; 1 faults, or the check could not be made; 2 the command line was wrong.
    """
    if explain is not None:
        _explain(explain)
        return
    if (queries is None) != (models is None):
        raise typer.BadParameter("--queries and --models go together: what a query returns is looked up there")
    report = _run(queries, models, migrations, database_url, tenant_rules=not no_tenant_rules)
    if exceptions:
        _show_exceptions(report, json=json)
        return
    if not report.complete:
        output.note("The migrations do not apply, so no query was held against the server; mend them first.")
    _show(report, json=json)
    raise typer.Exit(1 if report.findings else 0)


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(check)


def _run(
    queries: Path | None, models: str | None, migrations: Path | None, database_url: str | None, *, tenant_rules: bool
) -> CheckReport:
    needs_parser("check")
    from wfstore.check import run
    from wfstore.resources import MIGRATIONS, QUERIES

    if queries is None:
        migrations = migrations or MIGRATIONS
    for folder in (queries, migrations):
        if folder is not None and not folder.exists():
            raise InvalidInput(f"{folder} is not there")
    return run.check(
        queries or QUERIES,
        imported(models or "wfstore.models"),
        database_url,
        migrations=migrations,
        tenant_rules=tenant_rules,
    )


def needs_parser(command: str) -> None:
    """Refuse a command that cannot do without PostgreSQL's parser, where that is not installed."""
    try:
        import postgast  # noqa: F401
    except ImportError as error:
        raise WfstoreError(
            f"`wfstore {command}` needs PostgreSQL's parser, which is not installed",
            hint="pip install 'wfstore[check]'",
        ) from error


def imported(name: str) -> ModuleType:
    """Return the package that `--models` names."""
    if "" not in sys.path:
        sys.path.insert(0, "")  # a command, unlike `python -m`, does not look where it was called
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise InvalidInput(
            f"--models {name}: {error}", hint="Name it as your program imports it: shop.models."
        ) from error


def _show(report: CheckReport, *, json: bool) -> None:
    if json:
        faults = [finding.as_json() for finding in report.findings]
        seconds = round(report.seconds, 2)
        output.print_json(
            {
                "faults": faults,
                "queries": report.queries,
                "files": report.files,
                "complete": report.complete,
                "seconds": seconds,
            }
        )
        return
    for finding in report.findings:
        typer.echo(finding.render(Path.cwd()))
        typer.echo()
    count = len(report.findings)
    outcome = "no faults" if not count else "1 fault" if count == 1 else f"{count} faults"
    queries = "1 query" if report.queries == 1 else f"{report.queries} queries"
    files = "1 file" if report.files == 1 else f"{report.files} files"
    typer.echo(f"{queries} in {files} checked: {outcome}")


def _show_exceptions(report: CheckReport, *, json: bool) -> None:
    if json:
        output.print_json([each.as_json() for each in report.exceptions])
        return
    for each in report.exceptions:
        path = each.path.relative_to(Path.cwd()) if each.path.is_relative_to(Path.cwd()) else each.path
        about = f"{each.query}: " if each.query else ""
        said = each.exception
        typer.echo(f"{path}:{said.line}: {about}{said.kind} {said.subject} ({said.reason})")
    count = len(report.exceptions)
    typer.echo(f"{count} exception{'' if count == 1 else 's'}")


def _explain(key: str) -> None:
    import difflib

    from wfstore.check.categories import CATEGORIES

    category = CATEGORIES.get(key)
    if category is None:
        near = difflib.get_close_matches(key, CATEGORIES, n=3, cutoff=0.4)
        hint = f"Did you mean {' or '.join(near)}?" if near else f"They are: {', '.join(CATEGORIES)}."
        raise InvalidInput(f"{key} is no category of faults", hint=hint)
    output.out.print(f"{category.key}: {category.title}.", style="bold", markup=False)
    output.out.print(category.doc, markup=False, width=min(output.out.width, 100))

"""`python -m benchmarks`: how fast wfstore is beside others, on one server, in one run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from benchmarks import report
from benchmarks.bench import Bench, Sizes, load, opened
from benchmarks.catalogue import chosen, groups
from benchmarks.model import Group, Row
from benchmarks.results import Measured, Outcome, judge
from benchmarks.running import measure
from wfstore.cli import output
from wfstore.errors import WfstoreError

app = typer.Typer(
    name="python -m benchmarks",
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Json = Annotated[bool, typer.Option("--json", help="Write JSON to standard output instead of tables.")]


@app.callback(invoke_without_command=True)
def everything(context: typer.Context) -> None:
    """How fast wfstore is beside other libraries, bare drivers and pgbench: on one server, in one run, by turns.

    Without a command it is `run`: all rows, with a server of its own in a temporary folder (TMPDIR), fsync on, which
    is removed at the end. `pip install -r benchmarks/requirements.txt` installs the peers; those that are missing
    are reported as not run.
    """
    if context.invoked_subcommand is None:
        run()


@app.command("list")
def list_rows(json: Json = False) -> None:
    """Show the rows: what is measured against what, and the ratio that the design wants."""
    rows = [(group, row) for group in groups(Sizes.of(quick=False, history=None)) for row in group.rows]
    if json:
        output.print_json(
            [
                {
                    "row": row.name,
                    "what": str(row.subject),
                    "against": [str(each) for each in row.against],
                    "unit": group.unit,
                    "bound": row.bound if row.wanted is not None else None,
                    "wanted": row.wanted,
                }
                for group, row in rows
            ]
        )
        return
    output.table(
        "Rows",
        ["row", "what", "against the best of", "wanted"],
        [
            [
                row.name,
                str(row.subject),
                ", ".join(dict.fromkeys(each.name for each in row.against)),
                None if row.wanted is None else f"{row.bound} {row.wanted:g} {'x' if row.against else group.unit}",
            ]
            for group, row in rows
        ],
    )


@app.command("run")
def run(
    rows: Annotated[
        list[str] | None, typer.Argument(metavar="[ROWS]...", help="Rows or groups of `list`; `*` may be used. All.")
    ] = None,
    *,
    quick: Annotated[bool, typer.Option("--quick", help="Less of everything: under five minutes.")] = False,
    json: Json = False,
    plots: Annotated[Path | None, typer.Option("--plots", metavar="DIR", help="Draw PNGs into this folder.")] = None,
    history: Annotated[
        int | None,
        typer.Option(
            min=20_000,
            help="Executions of the largest history. [10 million, or 1 where the disk is small; 100,000 if quick]",
        ),
    ] = None,
    database_url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="A superuser's libpq URL of another server: databases are made there."),
    ] = None,
    tiny: Annotated[bool, typer.Option("--tiny", help="Next to nothing: to try whether a row runs at all.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 if a row that ran falls short.")] = False,
) -> None:
    """Measure rows, by turns, and say which hold."""
    sizes = Sizes.of(quick=quick, history=history, tiny=tiny)
    picked = chosen(sizes, rows or [])
    if plots is not None:
        from benchmarks.plots import require

        require(plots)
    before = load()
    every: list[Measured] = []
    outcomes: list[Outcome] = []
    with opened(sizes, database_url) as bench:
        for group, wanted in picked:
            measured = _measured(bench, group, wanted)
            every.append(measured)
            judged = [judge(measured, row) for row in wanted]
            outcomes += judged
            if not json:
                report.print_rows(group.title, judged)
        found = report.facts(bench, before)
    if json:
        output.print_json(report.as_json(found, every, outcomes))
    else:
        report.print_facts(found)
        report.print_summary(outcomes)
    if plots is not None:
        from benchmarks.plots import draw

        for file in draw(every, plots):
            output.note(f"Drew {file}.")
    if strict and any(each.met is False for each in outcomes):
        raise typer.Exit(1)


def _measured(bench: Bench, group: Group, rows: list[Row]) -> Measured:
    """Measure one group behind a progress bar."""
    with output.progress() as bar:
        task = bar.add_task(group.name, total=None)
        return measure(
            bench,
            group,
            rows,
            lambda what, done, total: bar.update(task, description=what, completed=done, total=total),
        )


def main() -> None:
    """Run the command line; a user's mistake ends in one sentence, never in a traceback."""
    try:
        app()
    except WfstoreError as error:
        output.err.print(f"benchmarks: {error}", style="red", soft_wrap=True, markup=False)
        if error.hint:
            output.err.print(f"  {error.hint}", soft_wrap=True, markup=False)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()

"""The `wfstore` command: one module of this package per group of commands.

Exit codes: 0 it worked; 1 it did not, and standard error says why and what to do; 2 the command line was
wrong; 130 interrupted. Results go to standard output, everything else to standard error.
"""

from __future__ import annotations

import errno
import os
import sys
from importlib import metadata
from typing import Annotated

import typer

from wfstore.cli import output
from wfstore.errors import InvalidInput, WfstoreError

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
"""Of the output, which may be a file on a disk that is full."""


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"wfstore {metadata.version('wfstore')}")
        raise typer.Exit


app = typer.Typer(
    name="wfstore",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """The PostgreSQL store of a workflow engine: definitions, executions, node results, history.

    Begin with `wfstore demo`: it shows the whole path in some seconds. Then `wfstore migrate` makes the schema, in
    the database of `DATABASE_URL`, or in an embedded PostgreSQL that is started when needed (`wfstore up`,
    `wfstore down`).
    """


def register() -> None:
    """Add every command to the application."""
    from wfstore.cli import (
        check,
        demo,
        executions,
        export,
        import_,
        migrate,
        partitions_make,
        queries,
        queue,
        replay,
        server,
        stats,
        stubs,
        workflows,
    )

    operating = (executions, queue, replay, stats, partitions_make)
    for group in (demo, server, migrate, import_, export, workflows, *operating, check, stubs, queries):
        group.register(app)


def run() -> None:
    """Run the command line; a user's mistake ends in one sentence, never in a traceback."""
    try:
        register()
        app()
    except WfstoreError as error:
        output.fail(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output has gone; that is its right
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        output.fail(InvalidInput(f"the output cannot be written: {error.strerror}"))
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still held would fail again at the end
        sys.exit(1)


if __name__ == "__main__":
    run()

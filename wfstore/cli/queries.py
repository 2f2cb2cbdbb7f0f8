"""`wfstore queries`: what there is to call."""

from __future__ import annotations

from typing import Annotated

import typer

from wfstore.cli import output
from wfstore.cli.options import Json


def queries(
    namespace: Annotated[
        str | None, typer.Argument(metavar="[NAMESPACE]", show_default=False, help="Only those of one query file.")
    ] = None,
    *,
    json: Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Write the reference page, docs/reference.md.")] = False,
) -> None:
    """List all queries with their parameters, results and first sentence."""
    from wfstore.stubs.reading import OWN_STUB, read_stub, reference_page

    namespaces = read_stub(OWN_STUB)
    if namespace is not None:
        names = [each.name for each in namespaces]
        namespaces = [each for each in namespaces if each.name == namespace]
        if not namespaces:
            raise typer.BadParameter(f"there is none called {namespace}; there are {', '.join(names)}")
    if json:
        output.print_json([query.as_json() for each in namespaces for query in each.queries])
    elif markdown:
        typer.echo(reference_page(namespaces), nl=False)
    else:
        for each in namespaces:
            rows = [(query.signature, query.sentence) for query in each.queries]
            output.table(f"{each.name}: {' '.join(each.doc.split())}", ("query", "what it does"), rows)


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(queries)

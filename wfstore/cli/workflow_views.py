"""What `wfstore workflows` writes for people: lists, facts, the graph."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import typer
from rich.text import Text

from wfstore.cli import output
from wfstore.documents.drawing import draw
from wfstore.documents.drawing_words import clean

if TYPE_CHECKING:
    from wfstore.models import Workflow, WorkflowSummary, WorkflowVersion, WorkflowVersionSummary

_PIPE_WIDTH = 120


def print_list(found: list[WorkflowSummary], limit: int, *, filtered: bool) -> None:
    """Write workflows as a table; say how to get the next page, or that there are none."""
    if not found:
        hint = "." if filtered else "; `wfstore import n8n FILE` brings some, `wfstore demo` makes its own."
        typer.echo(f"No workflows{hint}")
        return
    columns = ["id", "name", "tags", "version", "revision", "active", "changed"]
    rows = [
        [
            row.id,
            clean(row.name) + (" (template)" if row.is_template else ""),
            clean(", ".join(row.tags)),
            clean(row.version),
            row.content_revision,
            row.active,
            row.updated_at,
        ]
        for row in found
    ]
    output.table("Workflows", columns, rows)
    if len(found) == limit:
        output.note(f"There may be more: --limit, or --before {found[-1].id}")


def print_versions(name: str, found: list[WorkflowVersionSummary]) -> None:
    """Write versions as a table."""
    rows = [
        [row.revision, clean(row.version), row.created_at, row.created_by, clean(row.change_summary)] for row in found
    ]
    output.table(f"Versions of {clean(name)}", ["revision", "version", "saved", "by", "summary"], rows)


def print_facts(workflow: Workflow, version: WorkflowVersion | None, document: dict[str, Any]) -> None:
    """Write what a workflow is, in a few lines."""
    name = document.get("name")
    output.out.print(Text(clean(name) if isinstance(name, str) else clean(workflow.name), style="bold"))
    shown = version.revision if version else workflow.content_revision
    label = document.get("version")
    state = "" if version else ", active" if workflow.active else ", inactive"
    saved = (version.created_at if version else workflow.updated_at).astimezone()
    facts = [
        f"workflow {workflow.id}",
        f"revision {shown}{f', version {clean(str(label))}' if label else ''}{state}, saved {saved:%Y-%m-%d %H:%M}",
        _counts(document),
    ]
    if description := document.get("description"):
        facts.insert(0, clean(str(description)))
    if workflow.tags and not version:
        facts.append(f"tags: {clean(', '.join(workflow.tags))}")
    for fact in facts:
        output.out.print(Text(f"  {fact}"), soft_wrap=True)
    output.out.print()


def print_nodes(document: dict[str, Any]) -> None:
    """Write a table of a document's nodes."""
    nodes = [node for node in document.get("nodes") or [] if isinstance(node, dict)]
    columns = ["id", "name", "type", "subtype", "integration", "disabled"]
    keys = ("node_id", "name", "node_type", "node_subtype", "integration")
    rows = [[*(clean(str(node.get(key) or "")) for key in keys), bool(node.get("disabled"))] for node in nodes]
    output.table("Nodes", columns, rows)


def print_graph(document: dict[str, Any]) -> None:
    """Draw a document's graph."""
    typer.echo(drawn(document))


def drawn(document: dict[str, Any]) -> str:
    """Return the drawing of a document's graph, in the width and the characters that the output has."""
    width = output.out.width if output.out.is_terminal else _PIPE_WIDTH
    return draw(document, width=width, ascii_only=not _takes_unicode())


def _takes_unicode() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")


def _counts(document: dict[str, Any]) -> str:
    counted = []
    for key, word in (("nodes", "node"), ("connections", "connection"), ("annotations", "note")):
        count = len(document.get(key) or [])
        if count or key != "annotations":
            counted.append(f"{count:,} {word}{'s' * (count != 1)}")
    return ", ".join(counted)

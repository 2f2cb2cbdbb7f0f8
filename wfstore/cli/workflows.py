"""`wfstore workflows`: definitions to look at, compare, check and copy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from wfstore.cli import output, workflow_views
from wfstore.cli.options import DEFAULT_TENANT_SLUG, DatabaseUrl, Json, Tenant, connected
from wfstore.documents.drawing_words import clean
from wfstore.errors import InvalidInput, NotFound
from wfstore.ids import LAST_ID
from wfstore.vocabulary import NodeType

if TYPE_CHECKING:
    from wfstore.documents.findings import Finding
    from wfstore.models import Workflow, WorkflowVersion
    from wfstore.sync.store import Store
    from wfstore.sync.workflows import SavedWorkflow

_LAST_REVISION = 2**63 - 1

Id = Annotated[UUID, typer.Argument(metavar="ID", help="The workflow, as `wfstore workflows list` shows it.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=10_000, help="How many to show.")]
Name = Annotated[str | None, typer.Option("--name", help="What to call the new one.")]
Files = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE",
        help=".json files, .jsonl files with one document a line, either gzipped; folders; - for standard input.",
    ),
]
NameWords = Annotated[str | None, typer.Option("--name", help="Words, all of which are in the name.")]
Tag = Annotated[str | None, typer.Option("--tag", help="With this tag.")]
TypeOfNode = Annotated[NodeType | None, typer.Option("--node-type", help="With a node of this type.")]
Subtype = Annotated[str | None, typer.Option("--subtype", help="With a node of this subtype.")]
Integration = Annotated[str | None, typer.Option("--integration", help="That talk to this service.")]
Credential = Annotated[str | None, typer.Option("--credential", help="That use a credential of this type, id or name.")]
Before = Annotated[
    UUID | None, typer.Option("--before", metavar="ID", help="The next page: what comes after this one.")
]
Templates = Annotated[bool, typer.Option("--templates", help="Templates only, those of the system too.")]
Old = Annotated[
    int | None,
    typer.Argument(
        metavar="OLD", min=1, max=_LAST_REVISION, help="A revision; else the one before.", show_default=False
    ),
]
New = Annotated[
    int | None,
    typer.Argument(
        metavar="NEW", min=1, max=_LAST_REVISION, help="A revision; else the present one.", show_default=False
    ),
]
OneRevision = Annotated[
    int | None, typer.Option("--revision", min=1, max=_LAST_REVISION, help="This version, not the present one.")
]
Earlier = Annotated[
    int, typer.Argument(metavar="REVISION", min=1, max=_LAST_REVISION, help="The version whose document comes back.")
]


# --- reading ------------------------------------------------------------------------------------------------


def list_(
    name: NameWords = None,
    tag: Tag = None,
    node_type: TypeOfNode = None,
    subtype: Subtype = None,
    integration: Integration = None,
    credential: Credential = None,
    limit: Limit = 50,
    before: Before = None,
    templates: Templates = False,
    database_url: DatabaseUrl = None,
    tenant: Tenant = DEFAULT_TENANT_SLUG,
    json: Json = False,
) -> None:
    """List workflows, those made last first; of several filters all must hold.

    The order is that of the ids; those of imported workflows are of their origin, not of the time.

    **Examples**

    - `wfstore workflows list --name invoice`
    - `wfstore workflows list --node-type AI_AGENT --integration slack`
    - `wfstore workflows list --tag support --json`
    """
    wanted = {
        "name": name,
        "tag": tag,
        "node_type": node_type,
        "node_subtype": subtype,
        "integration": integration,
        "credential": credential,
    }
    criteria: dict[str, Any] = {key: value for key, value in wanted.items() if value is not None}
    if templates and criteria:
        raise typer.BadParameter("--templates goes without other filters")
    page: dict[str, Any] = {"before_id": before or LAST_ID, "limit": limit}
    with connected(database_url, tenant) as store:
        workflows = store.workflows
        if templates:
            found = workflows.templates(**page)
        else:
            found = workflows.find(**criteria, **page) if criteria else workflows.page(**page)
    if json:
        output.print_json(found)
    else:
        workflow_views.print_list(found, limit, filtered=bool(criteria or templates or before))


def show(
    identifier: Id,
    revision: OneRevision = None,
    nodes: Annotated[bool, typer.Option("--nodes", help="A table of the nodes instead of the graph.")] = False,
    database_url: DatabaseUrl = None,
    tenant: Tenant = DEFAULT_TENANT_SLUG,
    json: Annotated[bool, typer.Option("--json", help="Write the whole document as JSON.")] = False,
) -> None:
    """Show a workflow: what it is, and its graph from the triggers down.

    Branches are marked with the output they leave by, `→ X, below` leads to a node that is drawn elsewhere,
    `◆` marks where ways meet, and what an agent uses stands under it.

    **Examples**

    - `wfstore workflows show 0198c0de-...`
    - `wfstore workflows show 0198c0de-... --revision 3 --nodes`
    - `wfstore workflows show 0198c0de-... --json > document.json`
    """
    with connected(database_url, tenant) as store:
        workflow = _workflow(store, identifier)
        version = None if revision is None else _version(store, identifier, revision)
    document = (version or workflow).workflow_data
    if json:
        output.print_json(document)
        return
    workflow_views.print_facts(workflow, version, document)
    if nodes:
        workflow_views.print_nodes(document)
    else:
        workflow_views.print_graph(document)


def diff(
    identifier: Id,
    old: Old = None,
    new: New = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 1 if there are differences.")] = False,
    database_url: DatabaseUrl = None,
    tenant: Tenant = DEFAULT_TENANT_SLUG,
    json: Json = False,
) -> None:
    """Show what differs between two versions: by default between the last two.

    **Examples**

    - `wfstore workflows diff 0198c0de-...`
    - `wfstore workflows diff 0198c0de-... 3 7 --json`
    """
    from wfstore.cli.workflow_changes import print_changes

    with connected(database_url, tenant) as store:
        workflow = _workflow(store, identifier)
        if old is None:
            pages, present = store.workflow_versions, workflow.content_revision
            earlier = pages.page(workflow_id=identifier, before_revision=present, limit=1)
            old = earlier[0].revision if earlier else workflow.content_revision
        changes = store.workflows.diff(identifier, old, new)
    if json:
        output.print_json([change.as_json() for change in changes])
    else:
        to = new or workflow.content_revision
        found = f"{len(changes)} change{'s' * (len(changes) != 1)}"
        told = "there is no other version" if old == to else found
        typer.echo(f"{clean(workflow.name)}: revision {old} to {to}, {told}")
        print_changes(changes)
    if changes and exit_code:
        raise typer.Exit(1)


def versions(
    identifier: Id,
    limit: Limit = 50,
    database_url: DatabaseUrl = None,
    tenant: Tenant = DEFAULT_TENANT_SLUG,
    json: Json = False,
) -> None:
    """List the versions of a workflow, latest first: each save that changed the document made one."""
    with connected(database_url, tenant) as store:
        workflow = _workflow(store, identifier)
        pages = store.workflow_versions
        found = pages.page(workflow_id=identifier, before_revision=_LAST_REVISION, limit=limit)
    if json:
        output.print_json(found)
        return
    workflow_views.print_versions(workflow.name, found)
    if len(found) == limit and found[-1].revision > 1:
        output.note("There may be more: --limit")


def validate(files: Files, json: Json = False) -> None:
    """Check documents without saving them; exit with 1 if one of them would be refused.

    Errors would refuse the save, warnings would not.

    **Examples**

    - `wfstore workflows validate document.json`
    - `wfstore workflows show 0198c0de-... --json | wfstore workflows validate -`
    """
    from wfstore.documents.findings import Severity

    documents = list(_checked(files))
    found = [(place, finding) for place, findings in documents for finding in findings]
    errors = sum(finding.severity is Severity.ERROR for _, finding in found)
    if json:
        output.print_json([{"source": place, **_as_json(finding)} for place, finding in found])
    else:
        columns = ["source", "severity", "code", "path", "message"]
        cells = [[p, f.severity.value, f.code, clean(f.path), clean(f.message)] for p, f in found]
        if cells:
            output.table("Findings", columns, cells)
        typer.echo(f"{len(documents)} document(s): {errors} error(s), {len(found) - errors} warning(s)")
    if errors:
        raise typer.Exit(1)


# --- writing ------------------------------------------------------------------------------------------------


def restore(
    identifier: Id,
    revision: Earlier,
    database_url: DatabaseUrl = None,
    tenant: Tenant = DEFAULT_TENANT_SLUG,
    json: Json = False,
) -> None:
    """Save the document of an earlier version again, as a new version; those between stay."""
    with connected(database_url, tenant) as store:
        workflow = _workflow(store, identifier)
        saved = store.workflows.restore(identifier, revision, revision=workflow.revision)
    said = f"is as it was at revision {revision}" if saved.changed else f"was as at revision {revision} already"
    _tell(saved, f"{workflow.name} {said}; it stands at revision {saved.revision}.", json=json)


def duplicate(
    identifier: Id,
    name: Name = None,
    database_url: DatabaseUrl = None,
    tenant: Tenant = DEFAULT_TENANT_SLUG,
    json: Json = False,
) -> None:
    """Copy a workflow; the copy is inactive and begins at revision 1."""
    with connected(database_url, tenant) as store:
        saved = store.workflows.duplicate(_workflow(store, identifier).id, name=name)
        _tell(saved, f"{_workflow(store, saved.id).name} is workflow {saved.id}", json=json)


def instantiate(
    identifier: Annotated[UUID, typer.Argument(metavar="ID", help="The template: see `list --templates`.")],
    name: Name = None,
    database_url: DatabaseUrl = None,
    tenant: Tenant = DEFAULT_TENANT_SLUG,
    json: Json = False,
) -> None:
    """Make a workflow from a template, one's own or one of the system's."""
    with connected(database_url, tenant) as store:
        saved = store.workflows.instantiate(identifier, name=name)
        _tell(saved, f"{_workflow(store, saved.id).name} is workflow {saved.id}", json=json)


# --- common parts -------------------------------------------------------------------------------------------


def _workflow(store: Store, identifier: UUID) -> Workflow:
    found = store.workflows.get(id=identifier)
    if found is None:
        raise NotFound(
            f"there is no workflow {identifier}", hint="`wfstore workflows list` shows those of a tenant (--tenant)."
        )
    return found


def _version(store: Store, identifier: UUID, revision: int) -> WorkflowVersion:
    found = store.workflow_versions.get(workflow_id=identifier, revision=revision)
    if found is None:
        raise NotFound(
            f"workflow {identifier} has no version of revision {revision}",
            hint=f"`wfstore workflows versions {identifier}` lists them; a save without a change makes none.",
        )
    return found


def _checked(arguments: list[str]) -> Iterator[tuple[str, list[Finding]]]:
    """Yield each document's place and what is to be said about it; what cannot be read has an error of its own."""
    from wfstore.documents.findings import Finding, Severity
    from wfstore.documents.limits import MAX_BYTES
    from wfstore.documents.validation import validate as validate_document
    from wfstore.imports import sources
    from wfstore.imports.exact_json import read

    for source in sources.texts(list(sources.files(arguments)), MAX_BYTES):
        try:
            document = read(source.read(), first_line=source.line or 1, first_column=source.column)
        except InvalidInput as error:
            yield source.place, [Finding("unreadable", Severity.ERROR, "", str(error))]
        else:
            yield source.place, validate_document(document)


def _as_json(finding: Finding) -> dict[str, str]:
    return {"severity": finding.severity, "code": finding.code, "path": finding.path, "message": finding.message}


def _tell(saved: SavedWorkflow, said: str, *, json: bool) -> None:
    """Say what a save has done."""
    if json:
        warnings = [_as_json(warning) for warning in saved.warnings]
        facts = {"id": saved.id, "revision": saved.revision, "changed": saved.changed, "warnings": warnings}
        output.print_json(facts)
    else:
        typer.echo(clean(said))


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(help="Look at definitions, compare their versions, check and copy them.", no_args_is_help=True)
    group.command("list")(list_)
    for command in (show, diff, versions, validate, restore, duplicate, instantiate):
        group.command()(command)
    app.add_typer(group, name="workflows")

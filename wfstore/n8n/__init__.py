"""n8n exports and Workflow documents: one becomes the other, and back without loss. Pure functions, no database.

    to_document(export, previous=...)  -> Converted: the document, and warnings of what has no place in its graph
    to_export(document)                -> the export: of an import that was not changed, the very same JSON
    workflow_id(export, origin)        -> the same UUID for every revision of a workflow

A key of n8n whose value has the right type is a field of the document (the tables of `fields`); an export is
made of these fields, so that a change of the document shows in it. Everything else is kept as it came in the
residue, `meta.n8n` of the workflow, of its settings, of a node, of a connection or of an annotation:

    rest         keys of n8n as they were: unknown ones, null, values of another type
    filled       fields that the document needs and the export did not give: what the importer put there
    without      keys that every export has, and this one had not
    parameters   (annotation) keys of a note's parameters that are no fields
    outputs      (workflow) {node id: {n8n's type: outputs}}: how many there were, of what form (`connections`)
    odd_sources  (workflow) {node id: value}: connections of a node that are no object
    missing      (workflow) {id: name}: ids in the connections that stand for names of no node
    seconds      (workflow) nodes whose name another has before them
    order        (workflow) ids of nodes and annotations, numbers of seconds, in n8n's order
    pin_data     (workflow) {name: items}: pinned data of names of no node
    tags         (workflow) n8n's form of each tag (`tags`)

Nothing depends on the order of an object's keys, which PostgreSQL does not keep. Documents that never were
n8n's are exported too; `label`, `conditions`, `version` and keys of one's own have no place in n8n.
"""

from __future__ import annotations

from wfstore.n8n.exporting import to_export
from wfstore.n8n.identity import workflow_id, workflow_key
from wfstore.n8n.importing import Converted, to_document

__all__ = ["Converted", "to_document", "to_export", "workflow_id", "workflow_key"]

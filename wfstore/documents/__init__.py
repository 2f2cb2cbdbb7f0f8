"""Workflow documents: their canonical form, what of them becomes rows, and their messages."""

from wfstore.documents.canonical import content_hash
from wfstore.documents.messages import to_document, to_message
from wfstore.documents.projection import Projection, project
from wfstore.documents.storable import as_stored, fault_of

__all__ = [
    "Projection",
    "as_stored",
    "content_hash",
    "fault_of",
    "project",
    "to_document",
    "to_message",
]

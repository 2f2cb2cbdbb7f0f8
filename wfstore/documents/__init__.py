"""Workflow documents: their canonical form, and what of them becomes rows."""

from wfstore.documents.canonical import content_hash, hash_of_stored
from wfstore.documents.projection import Projection, ProjectionWarning, project
from wfstore.documents.storable import as_stored, fault_of

__all__ = [
    "Projection",
    "ProjectionWarning",
    "as_stored",
    "content_hash",
    "fault_of",
    "hash_of_stored",
    "project",
]

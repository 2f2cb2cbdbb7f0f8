"""Workflow documents: their canonical form, and what of them becomes rows."""

from wfstore.documents.canonical import content_hash
from wfstore.documents.projection import Projection, ProjectionWarning, project

__all__ = ["Projection", "ProjectionWarning", "content_hash", "project"]

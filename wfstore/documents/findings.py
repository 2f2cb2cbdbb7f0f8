"""What is wrong, or only odd, in a document: one sentence each, with its place and a code."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Whether a document can be saved in spite of a finding."""

    ERROR = "error"
    """It refuses the save."""
    WARNING = "warning"
    """It is reported, and the document is saved as it is."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about a document."""

    code: str
    """Names the rule, in lower case with hyphens: `dangling-connection`. Match on this, never on the message."""
    severity: Severity
    path: str
    """Where it is: `nodes[3].position_x`; empty for the document as a whole."""
    message: str
    """A sentence without its subject, which is the path."""

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message

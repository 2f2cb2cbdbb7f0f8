"""Writing what is exported: a file for each workflow, and all of them or none."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from wfstore.errors import InvalidInput

_LONGEST_NAME = 120
"""Bytes of a workflow's name that go into its file's name, which has room for 255."""


def file_name(name: str, workflow_id: UUID) -> str:
    """Return a name for a workflow's file: no two workflows have the same, and any file system takes it."""
    words = "".join(character if character.isalnum() else " " for character in name).split()
    short = "-".join(words).encode("utf-8", "replace")[:_LONGEST_NAME].decode("utf-8", "ignore")
    return f"{short}-{workflow_id}.json" if short else f"{workflow_id}.json"


def write_all(folder: Path, contents: Iterable[tuple[str, bytes]], *, force: bool) -> Iterator[Path]:
    """Write files into a folder: first beside their places, and, when all are whole, under their names.

    Args:
        folder: made if it is not there.
        contents: names and contents, one at a time; when it raises, nothing is written.
        force: replace files that are there.

    Yields:
        each file that is now in its place.

    Raises:
        InvalidInput: a file of this name is there, or cannot be written.
    """
    with _reported(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".wfstore-export-", dir=folder) as scratch:
            written: list[tuple[Path, Path]] = []
            for name, content in contents:
                place = folder / name
                if place.is_dir() or (not force and (place.exists() or place.is_symlink())):
                    raise InvalidInput(f"{place} is there already; nothing was written", hint="--force replaces it.")
                beside = Path(scratch, str(len(written)))
                beside.write_bytes(content)
                written.append((beside, place))
            for beside, place in written:
                beside.replace(place)
                yield place


@contextmanager
def _reported(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InvalidInput(f"{error.filename or folder} cannot be written: {error.strerror or error}") from error

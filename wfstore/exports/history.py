"""Export executions that have ended: JSON Lines of ExecutionData, which `wfstore import history` reads."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, cast

import orjson

from wfstore.errors import InvalidInput, NotFound
from wfstore.ids import FIRST_ID, LAST_ID, floor_id
from wfstore.jsonb import keeping_floats
from wfstore.models import ExecutionSummary
from wfstore.sync.store import Store

_PAGE = 1_000


def lines(store: Store, since: datetime | None = None, until: datetime | None = None) -> Iterator[bytes]:
    """Yield a line for each execution that has ended, the latest first, in constant memory.

    Args:
        store: where from.
        since: by the time of their ids, not before this; None: from the first on.
        until: before this; None: to the last.
    """
    before = LAST_ID if until is None else floor_id(until)
    first = FIRST_ID if since is None else floor_id(since)
    while True:
        page: list[ExecutionSummary] = store.executions.page(before_id=before, limit=_PAGE)
        for summary in page:
            if summary.execution_id < first:
                return
            if summary.status.is_final:
                yield from _line(store, summary)
        if len(page) < _PAGE:
            return
        before = page[-1].execution_id


def _line(store: Store, summary: ExecutionSummary) -> Iterator[bytes]:
    try:
        document = store.executions.data(summary.execution_id)
    except NotFound:  # its period was dropped meanwhile
        return
    yield keeping_floats(orjson.dumps(document)) + b"\n"


@contextmanager
def opened(path: Path, *, force: bool) -> Iterator[BinaryIO]:
    """Open a file to be written, gzipped if its name ends in .gz; it takes its name when the block has ended well.

    Raises:
        InvalidInput: there is such a file and `force` is not given, or it cannot be written.
    """
    if path.exists() and not force:
        raise InvalidInput(f"{path} is there already", hint="Add --force to replace it.")
    part = path.with_name(f"{path.name}.part")
    try:
        with (
            part.open("wb") as plain,
            gzip.GzipFile(fileobj=plain, mode="wb") if path.suffix == ".gz" else plain as stream,
        ):
            yield cast(BinaryIO, stream)
        part.replace(path)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)

"""The instants in a trace.

`executedAt` occurs in four forms, as its writers differ:

    20200401T035043+0000         Pegasus
    2020-12-27T18:23:37+00:00    Makeflow, Nextflow; any offset, or Z, or a fraction of a second
    2023-03-29T15:45:52-10:00
    12-19-20T21:31:53Z           month-day-year
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from wfstore.wfformat.faults import quoted

_ISO = re.compile(
    r"""(?: [0-9]{4}-[0-9]{2}-[0-9]{2} T [0-9]{2}:[0-9]{2}:[0-9]{2} (?: \.[0-9]{1,9} )?
          | [0-9]{8} T [0-9]{6} (?: \.[0-9]{1,9} )? )
        (?: Z | [+-][0-9]{2}:?[0-9]{2} )""",
    re.VERBOSE,
)
_MONTH_FIRST = re.compile(r"[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_FORMS = "2020-12-27T18:23:37+00:00, 20201227T182337+0000 or 12-27-20T18:23:37Z (month-day-year)"

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant(text: str) -> datetime:
    """The instant that `text` names, in UTC, from 1970 on; `ValueError` with a reason that names `text`.

    1970, because the ids of executions and their times count from there.
    """
    shown = quoted(text)
    if not (_ISO.fullmatch(text) or _MONTH_FIRST.fullmatch(text)):
        raise ValueError(f"must be a time with its offset from UTC, like {_FORMS}; is {shown}")
    try:
        found = _read(text)
    except OverflowError as error:
        raise ValueError(f"is {shown}, which lies outside the years 1 to 9999 in UTC") from error
    except ValueError as error:
        raise ValueError(f"is {shown}, which is no time: {error}") from error
    if found < EPOCH:
        raise ValueError(f"is {shown}, which lies before 1970")
    return found


def _read(text: str) -> datetime:
    if _MONTH_FIRST.fullmatch(text):
        return datetime.strptime(text, "%m-%d-%yT%H:%M:%SZ").replace(tzinfo=UTC)
    return datetime.fromisoformat(text).astimezone(UTC)

"""What is no JSON, or no JSON that PostgreSQL stores, and the forms in which traces write an instant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wfstore.errors import InvalidDocument
from wfstore.wfformat import parse
from wfstore.wfformat.times import EPOCH, instant


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "the text is empty"),
        (b" \n\t", "the text is empty"),
        (b"\xef\xbb\xbf", "the text is empty"),
        (b"[]", "the document: must be an object"),
        (b"null", "the document: must be an object"),
        (b"{}", "schemaVersion: is missing"),
        (b'{"a": 1,\n "b" 2}', "line 2, column 6: not JSON: Expecting ':' delimiter"),
        (b'{"a": 1', "line 1, column 8: not JSON: "),
        (b"{}\n{}", "line 2, column 1: not JSON: more follows after the end of the document"),
        (b"{} the end", "line 1, column 4: not JSON: more follows after the end of the document"),
        (b'{"a": NaN}', "a: must be a finite number"),
        (b'{"a": [1, -Infinity]}', "a[1]: must be a finite number"),
        (b'{"a": 1e400}', "a: must be a finite number"),
        (b'{"a":\n"\xff"}', "line 2: not UTF-8 text: byte 7 is 0xff"),
        (b"\x1f\x8b\x08", "line 1: not UTF-8 text: byte 1 is 0x8b"),
        (b'{"a": "\x00"}', "line 1, column 8: not JSON: Invalid control character"),
        (b"[" * 100_000, "line 1, column "),
        (b"[" * 100_000 + b"]" * 100_000, "line 1, column "),
        (b'{"schemaVersion": ' + b"[" * 1000 + b"]" * 1000 + b"}", "schemaVersion: is a list; only"),
    ],
)
def test_what_is_no_document_is_refused(raw: bytes, message: str) -> None:
    with pytest.raises(InvalidDocument) as refused:
        parse(raw)
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20200401T035043+0000", datetime(2020, 4, 1, 3, 50, 43, tzinfo=UTC)),
        ("12-19-20T21:31:53Z", datetime(2020, 12, 19, 21, 31, 53, tzinfo=UTC)),
        ("2020-12-27T18:23:37+00:00", datetime(2020, 12, 27, 18, 23, 37, tzinfo=UTC)),
        ("2023-03-29T15:45:52-10:00", datetime(2023, 3, 30, 1, 45, 52, tzinfo=UTC)),
        ("2023-03-29T15:45:52.1234567Z", datetime(2023, 3, 29, 15, 45, 52, 123456, tzinfo=UTC)),
        ("1970-01-01T00:00:00Z", EPOCH),
    ],
)
def test_the_forms_of_executed_at(text: str, expected: datetime) -> None:
    found = instant(text)
    assert found == expected
    assert found.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2020-12-27T18:23:37", "must be a time with its offset"),
        ("2020-12-27", "must be a time with its offset"),
        ("", "must be a time with its offset"),
        ("٢٠٢٠-12-27T18:23:37Z", "must be a time with its offset"),
        ("2020-13-27T18:23:37Z", "which is no time"),
        ("13-13-20T21:31:53Z", "which is no time"),
        ("2020-12-27T18:23:37+99:00", "which is no time"),
        ("1969-12-31T23:59:59Z", "before 1970"),
        ("12-31-69T23:59:59Z", "before 1970"),
        ("0001-01-01T00:00:00+01:00", "outside the years"),
        ("9999-12-31T23:59:59-10:00", "outside the years"),
        ("2020" * 1000, "must be a time with its offset"),
    ],
)
def test_other_forms_of_executed_at_are_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as refused:
        instant(text)
    assert len(str(refused.value)) < 300


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_refused(raw: bytes) -> None:
    with pytest.raises(InvalidDocument):
        parse(raw)

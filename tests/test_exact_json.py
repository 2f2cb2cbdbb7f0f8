"""JSON is read as it stands, or refused with its place."""

from __future__ import annotations

import json
import math
import sys
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfstore.imports.exact_json import InvalidText, read


def refusal(raw: bytes, first_line: int = 1) -> tuple[int, str]:
    with pytest.raises(InvalidText) as refused:
        read(raw, first_line=first_line)
    return refused.value.line, str(refused.value)


REFUSED: list[tuple[bytes, int, str]] = [
    (b"", 1, "is empty"),
    (b" \r\n\t\n", 1, "is empty"),
    (b"\xef\xbb\xbf", 1, "is empty"),
    ('{"a": 1}'.encode("utf-16"), 1, "is UTF-16 or UTF-32; JSON is UTF-8"),
    ('{"a": 1}'.encode("utf-16-le"), 1, "is UTF-16 or UTF-32; JSON is UTF-8"),
    ('{"a": 1}'.encode("utf-32-be"), 1, "is UTF-16 or UTF-32; JSON is UTF-8"),
    (b'{"a":\n "\xe9"}', 2, "line 2, column 3: the byte 0xe9 is not UTF-8"),
    (b'"\xed\xa0\x80"', 1, "line 1, column 2: the byte 0xed is not UTF-8"),
    (b"{}{}", 1, "line 1, column 3: a second JSON document begins here; one was expected"),
    (b'{"a": 1}\n\n  [1]', 3, "line 3, column 3: a second JSON document begins here; one was expected"),
    (b"{}\nand so on", 2, "line 2, column 1: text follows the end of the JSON document: 'and so on'"),
    (b'{\n"a": tru}', 2, "line 2, column 6: is no JSON: Expecting value"),
    (b'{"a": 1', 1, "line 1, column 8: is no JSON: Expecting ',' delimiter"),
    (b'{"a', 1, "line 1, column 2: is no JSON: Unterminated string starting"),
    (b'{"a": "\n"}', 1, "line 1, column 8: is no JSON: Invalid control character"),
    (b"nothing", 1, "line 1, column 1: is no JSON: Expecting value"),
    (b'{"a": [1, NaN]}', 1, "line 1, column 11: NaN (a[1]) is no JSON"),
    (b"-Infinity", 1, "line 1, column 1: -Infinity is no JSON"),
    (b'{"a b": {"k": 1,\n"k": 2}}', 2, """line 2, column 1: the key "k" (['a b'].k) stands twice in one object"""),
    (b'[{"k": 1}, {"\\u006b": 1, "k": 2}]', 1, 'line 1, column 26: the key "k" ([1].k) stands twice'),
    (b'{"n": 0.1234567890123456789}', 1, "0.1234567890123456789 (n) loses digits: it would become 0.12345678901234568"),
    (b'{"n": 123456789012345678.5}', 1, "loses digits: it would become 1.2345678901234568e+17"),
    (b'{"n": 1e-400}', 1, "1e-400 (n) loses digits: it would become 0.0"),
    (b'{"n": 1e400}', 1, "1e400 (n) is beyond what a double holds"),
    (b'{"n": 1e99999999999999999999}', 1, "(n) is beyond what a double holds"),
    (b'{"n": 18446744073709551616}', 1, "line 1, column 7: 18446744073709551616 (n) is an integer beyond 64 bits"),
    (b'{"n": -9223372036854775809}', 1, "is an integer beyond 64 bits"),
    (b'{"n": ' + b"1" * 100_000 + b"}", 1, "1... (n) is an integer beyond 64 bits"),
    (b'{"a": ["x\\u0000y"]}', 1, 'line 1, column 8: "x\\u0000y" (a[0]) contains a NUL character'),
    (b'{"a": {"\\u0000": 1}}', 1, "contains a NUL character"),
    (b'{"a":\n"\\ud83d"}', 2, 'line 2, column 1: "\\ud83d" (a) contains a lone surrogate'),
    (b'{"\\ude00": 1}', 1, "contains a lone surrogate"),
    (b"[" * 255 + b"]" * 255, 1, "line 1, column 255: is nested more than 254 levels deep"),
    (b"[" * 10_000 + b"]" * 10_000, 1, "is nested more than 254 levels deep"),
    (b'{"a":\n' * 10_000 + b"1" + b"}" * 10_000, 255, "line 255, column 1: is nested more than 254 levels deep"),
    (b"[" * 1_000_000, 1, "is nested more than 254 levels deep"),
]


@pytest.mark.parametrize(("raw", "line", "message"), REFUSED, ids=lambda value: repr(value)[:40])
def test_what_would_not_be_kept_is_refused_with_its_place(raw: bytes, line: int, message: str) -> None:
    found = refusal(raw)
    assert message in found[1]
    assert found[0] == line
    assert len(found[1]) < 2500


def test_lines_are_counted_from_the_first_of_the_text() -> None:
    assert refusal(b"{} x", 17) == (17, "line 17, column 4: text follows the end of the JSON document: 'x'")
    assert refusal(b"", 17)[0] == refusal(b'"\\u0000"', 17)[0] == refusal(b"\xff", 17)[0] == 17


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"\xef\xbb\xbf{}", {}),
        (b" [1.10, 1e3, 100.0, 1E+2, -0.5e-1]\r\n", [1.1, 1000.0, 100.0, 100.0, -0.05]),
        (b"[5e-324, 1.7976931348623157e308, 0e5, 1e16]", [5e-324, 1.7976931348623157e308, 0.0, 1e16]),
        (b"[18446744073709551615, -9223372036854775808, 1, 1.0]", [2**64 - 1, -(2**63), 1, 1.0]),
        (b'["\\ud83d\\ude00", "\\\\u0000", "\\u0001\\/"]', ["😀", "\\u0000", "\x01/"]),
        (b'[{"a": 1}, {"a": {"a": 2}}, "{", "a\\"", {"NaN": "1e400"}]', None),
        (b"[" * 254 + b"]" * 254, None),
    ],
)
def test_what_loses_nothing_is_read(raw: bytes, value: Any) -> None:
    found = read(raw)
    expected = json.loads(raw.decode("utf-8-sig")) if value is None else value
    assert found == expected
    assert repr(found) == repr(expected)  # 1 and 1.0 are equal


_texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4),
)


@given(_values, st.booleans(), st.sampled_from([None, 1]))
def test_all_that_can_be_kept_is_read_as_it_is(value: Any, ascii_only: bool, indent: int | None) -> None:
    raw = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    assert repr(read(raw)) == repr(value)


@given(st.from_regex(r"-?(0|[1-9][0-9]{0,20})\.[0-9]{1,22}([eE][-+]?[0-9]{1,3})?", fullmatch=True))
def test_a_number_is_read_only_if_its_digits_come_back(literal: str) -> None:
    """Reckoned apart from the reader, in fractions of integers."""
    kept = float(literal)
    exact = math.isfinite(kept) and Decimal(literal) == Decimal(repr(kept))
    if exact:
        assert read(literal.encode()) == kept
    else:
        assert "digits" in (message := refusal(literal.encode())[1]) or "beyond" in message


@given(st.binary(max_size=40) | st.text('{}[]",:\\u0d8 \n1e.-', max_size=40).map(str.encode))
def test_nothing_else_comes_out_than_a_value_or_a_refusal(raw: bytes) -> None:
    try:
        value = read(raw)
    except InvalidText as error:
        assert error.line >= 1
        assert str(error)
    else:
        assert value == json.loads(raw.decode("utf-8-sig"))


def test_the_reader_needs_little_of_the_stack() -> None:
    limit = sys.getrecursionlimit()

    def deep(levels: int) -> Any:
        return deep(levels - 1) if levels else refusal(b"[" * 10_000)

    assert "254 levels" in deep(limit // 2)[1]


def test_places_are_those_of_the_file_the_text_is_a_part_of() -> None:
    for raw, line, column in [
        (b'{"a": NaN}', 3, 46),
        (b'{"a":\nNaN}', 4, 1),
        (b'{"a" 1}', 3, 45),
        (b'{"a": "\xe9"}', 3, 47),
    ]:
        with pytest.raises(InvalidText) as refused:
            read(raw, first_line=3, first_column=40)
        assert refused.value.line == line
        assert str(refused.value).startswith(f"line {line}, column {column}: ")

"""JSON text as jsonb keeps it, so that a number reads as what it was: 1e16 as a float, not an integer.

PostgreSQL keeps a number as a decimal with its scale: `1.0` stays `1.0`, but `1e16` is written out as
10000000000000000, which reads as an integer. Sent as `10000000000000000.0` it keeps its type.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from wfstore.errors import InvalidInput

# Each begins with a character, which a search finds several times faster than any digit. orjson writes 1e16, or 1e+16
# in later releases, no capital and no space; a plus is rare in JSON, that letter is not. A string that looks like it
# costs the walk below, no more.
_WRITTEN_BY_US = re.compile(
    rb"\+(?<=e\+)[1-9][0-9]{1,2}(?:[,\]}]|\Z)" if b"+" in orjson.dumps(1e16) else rb"e[1-9][0-9]{1,2}(?:[,\]}]|\Z)"
)
_WRITTEN_BY_OTHERS = re.compile(rb"e\+?[0-9]{1,3}\s*(?:[,\]}]|\Z)")
_STRING = rb'"[^"\\]*(?:\\.[^"\\]*)*"?'  # is passed over as a whole
_ENLARGED = re.compile(
    _STRING + rb"|(?<![0-9.])(-?)([0-9]++)(?:\.([0-9]++))?[eE]\+?([0-9]{1,3})(?![0-9])",
    re.DOTALL,
)
_NEGATIVE_ZERO = re.compile(_STRING + rb"|-(0\.0)(?![0-9eE])", re.DOTALL)


class Encoded(bytes):
    """JSON that `json_bytes` has written, to be sent as it is."""


def json_bytes(value: Any, name: str) -> bytes | None:
    """Serialize a value for jsonb; bytes are JSON already, None is SQL's NULL. Floats stay floats.

    Raises:
        InvalidInput: it is not JSON (a lone surrogate, an integer beyond 64 bits, an unknown type, bytes that are
            not UTF-8).
    """
    if value is None or type(value) is Encoded:
        return value
    try:
        if isinstance(value, bytes):
            value.decode()
            return Encoded(keeping_floats(value, is_ours=False))
        return Encoded(keeping_floats(orjson.dumps(value)))
    except (orjson.JSONEncodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{name} is not JSON that can be stored: {error}") from error


def keeping_floats(text: bytes, *, is_ours: bool = True) -> bytes:
    """Return JSON text with whole numbers that have an exponent written out: `1.5e16` as `15000000000000000.0`.

    `is_ours` says that orjson wrote the text, which is looked through faster.
    """
    if is_ours:
        found = _WRITTEN_BY_US.search(text)
    else:
        found = _WRITTEN_BY_OTHERS.search(text if b"E" not in text else text.lower())
    return _ENLARGED.sub(_written_out, text) if found else text


def without_negative_zeros(text: bytes) -> bytes:
    """Return JSON text with `0.0` for `-0.0`: a decimal has no such sign."""
    return _NEGATIVE_ZERO.sub(lambda token: token[1] or token[0], text) if b"-0.0" in text else text


def _written_out(token: re.Match[bytes]) -> bytes:
    sign, whole, fraction, exponent = token.groups(default=b"")
    zeros = int(exponent or b"0") - len(fraction)
    if not whole or zeros < 0:  # a string, or a number with a fraction left, which is a float to everybody
        return token[0]
    return sign + ((whole + fraction + b"0" * zeros).lstrip(b"0") or b"0") + b".0"

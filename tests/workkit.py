"""How much work a call is, counted, as a machine's time depends on who else works on it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any


def calls_of(body: Callable[[], Any]) -> int:
    """How many functions, Python's own included, a call calls."""
    count = 0

    def counted(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        body()
    finally:
        sys.setprofile(before)
    return count


def growth(body: Callable[[int], Callable[[], Any]], size: int) -> float:
    """How much more work a call of twice the size is; 2 where the work is in proportion."""
    small, large = calls_of(body(size)), calls_of(body(2 * size))
    assert small > size, "it looks at everything"
    return large / small

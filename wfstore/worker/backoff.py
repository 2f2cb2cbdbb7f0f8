"""How long to rest before the next try."""

from __future__ import annotations

import random


class Backoff:
    """Pauses that double from `first` to `longest` seconds, each between half and all of it."""

    def __init__(self, first: float = 0.05, longest: float = 5.0) -> None:
        self._first = first
        self._longest = longest
        self._next = first

    def __next__(self) -> float:
        """Return the next pause in seconds."""
        pause = self._next
        self._next = min(2 * pause, self._longest)
        return pause * jitter()

    def reset(self) -> None:
        """Begin anew: it has worked."""
        self._next = self._first


def jitter() -> float:
    """Return a factor between a half and one, so that many do not come back together."""
    return random.uniform(0.5, 1.0)  # noqa: S311 - no secret

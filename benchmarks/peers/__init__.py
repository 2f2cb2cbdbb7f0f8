"""Other libraries, each measured in a process of its own: `python -m benchmarks.peers NAME ...`."""

from benchmarks.peers.parent import jobs, steps

__all__ = ["jobs", "steps"]

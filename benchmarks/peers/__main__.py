"""One peer's action, for `benchmarks.peers.parent`: install its schema, or measure and print a sample as JSON."""

from __future__ import annotations

import argparse
import json
import sys
from importlib import import_module
from typing import Any


def main() -> None:
    """Run the action of a peer's module."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("name", choices=["absurd", "dbos", "pgqueuer", "procrastinate"])
    parser.add_argument("action", choices=["install", "measure"])
    parser.add_argument("url", help="a superuser's URL of a database for this peer alone")
    parser.add_argument("--count", type=int, required=True, help="jobs, or workflows")
    parser.add_argument("--steps", type=int, default=1, help="of each workflow")
    given = parser.parse_args()
    peer: Any = import_module(f"benchmarks.peers.{given.name}_peer")
    if given.action == "install":
        peer.install(given.url)
        return
    rate, p99_ms = peer.measure(given.url, given.count, given.steps)
    sys.stdout.write(json.dumps({"value": rate, "p99_ms": p99_ms}) + "\n")


if __name__ == "__main__":
    main()

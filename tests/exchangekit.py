"""What the tests of n8n's import and export share: definitions, the real ones, runs of the commands."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.commandkit import run
from tests.executionkit import ROOT
from wfstore.server.binaries import installed

Admin = psycopg.Connection[Any]
Document = dict[str, Any]

REAL = ROOT / "../shared/data/n8n"
TABLES = ("workflows", "workflow_versions", "workflow_terms", "nodes", "node_connections")
_VOLATILE = re.compile(r"\\(un)?restrict .*|-- Dumped .*")


def definition(name: str = "Greeter", limit: int | float = 1, **facts: Any) -> Document:
    """An n8n export of four nodes, one of them a note, with pinned data."""
    return {
        "name": name,
        "nodes": [
            _node("Start", "manualTrigger", {}),
            _node("Is it späť?", "if", {"limit": limit}, typeVersion=2.1),
            _node("Say", "set", {"text": "={{ $json.x }}"}, typeVersion=3, disabled=True),
            _node("Note", "stickyNote", {"content": "## 😀"}),
        ],
        "connections": {
            "Start": {"main": [[{"node": "Is it späť?", "type": "main", "index": 0}]]},
            "Is it späť?": {"main": [None, [{"node": "Say", "type": "main", "index": 0}], []]},
        },
        "pinData": {"Say": [{"json": {"one": 1, "same": 1.0}}]},
        "settings": {"executionOrder": "v1", "timezone": "UTC"},
        **facts,
    }


def _node(name: str, kind: str, parameters: Document, **facts: Any) -> Document:
    node = {"parameters": parameters, "name": name, "type": f"n8n-nodes-base.{kind}", "typeVersion": 1}
    return node | {"id": f"id of {name}", "position": [0, 10.5]} | facts


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal, keys and types: 1, 1.0 and true are not."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def importing(database: str, *arguments: str | Path, code: int = 0, **options: Any) -> Any:
    """Import with `--json`, and return what it printed."""
    done = run(database, "import", "n8n", "--json", *arguments, **options)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def counts(report: Document) -> tuple[int, ...]:
    return tuple(report[key] for key in ("read", "imported", "updated", "unchanged", "refused"))


def dumped(database: str) -> str:
    """All of a database as SQL, without what differs from one dump to the next."""
    program = installed().program("pg_dump")  # that of a newer version dumps older servers too
    done = subprocess.run([program, "--dbname", database], capture_output=True, encoding="utf-8", check=True)
    lines = [line for line in done.stdout.splitlines() if not _VOLATILE.fullmatch(line)]
    assert any(line.startswith("COPY public.workflows ") for line in lines)
    return "\n".join(lines)


def real(name: str) -> list[Document]:
    """The records of one of the real collections."""
    path = REAL / f"{name}.jsonl.gz"
    if not path.is_file():
        pytest.skip("the collection of real definitions is not beside this checkout (../shared/data/n8n)")
    with gzip.open(path) as stream:
        return [json.loads(line) for line in stream]

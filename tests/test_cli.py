"""The command line as a whole: help, mistakes, interruptions, statistics, the demo."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
import typer
import typer.testing
from pydantic import BaseModel

from tests.commandkit import run, start
from tests.executionkit import Admin, add_workflow, claim, count, diamond, ending, enqueue, layered, result
from tests.executionkit import until as wait_until
from wfstore import Store, models
from wfstore.cli import main
from wfstore.imports.wfformat import import_traces
from wfstore.vocabulary import ExecutionStatus, NodeStatus
from wfstore.wfformat import Source

psutil: Any = pytest.importorskip("psutil")


def commands() -> Iterator[tuple[str, Any]]:
    """Every group and command by its full name."""
    if not main.app.registered_commands:
        main.register()

    def below(name: str, command: Any) -> Iterator[tuple[str, Any]]:
        yield name, command
        for part, child in getattr(command, "commands", {}).items():
            yield from below(f"{name} {part}".strip(), child)

    return below("", typer.main.get_command(main.app))


ALL = dict(commands())


# --- help ---------------------------------------------------------------------------------------------------


def test_the_commands_are_those_of_the_documentation() -> None:
    leaves = {name for name, command in ALL.items() if not hasattr(command, "commands")}
    assert leaves >= {"demo", "up", "down", "url", "migrate", "rollback", "import wfformat", "replay", "stats"}


@pytest.mark.parametrize("name", ALL, ids=lambda name: name or "wfstore")
def test_each_command_has_help(name: str) -> None:
    command = ALL[name]
    for flag in ("--help", "-h"):
        shown = typer.testing.CliRunner().invoke(main.app, [*name.split(), flag])
        assert shown.exit_code == 0
        assert "Usage:" in shown.stdout
    summary = (command.help or "").strip().splitlines()
    assert summary, f"{name} says nothing about itself"
    assert summary[0].endswith((".", ":")), summary[0]
    for parameter in command.params:
        assert getattr(parameter, "help", None), f"{name}: {parameter.name} has no help"
        assert parameter.help.endswith((".", ".)")), f"{name}: {parameter.name}: {parameter.help}"


def test_without_a_command_there_is_help(database: str) -> None:
    for arguments in ([], ["import"]):
        done = run(database, *arguments)
        assert "Usage:" in done.stdout + done.stderr
        assert done.returncode in (0, 2)


@pytest.mark.parametrize("arguments", [["nonsense"], ["stats", "--nonsense"], ["stats", "--top", "many"]])
def test_a_wrong_command_line_exits_with_2(arguments: list[str], database: str) -> None:
    done = run(database, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert arguments[-1 if len(arguments) < 3 else 1] in done.stderr


# --- mistakes -----------------------------------------------------------------------------------------------

WORKING = [["stats"], ["stats", "--json"], ["import", "wfformat", "-"], ["replay", "--resume"], ["migrate", "--status"]]


@pytest.mark.parametrize("arguments", WORKING, ids=" ".join)
def test_a_database_that_is_not_there_is_one_sentence(arguments: list[str], database: str) -> None:
    done = run(database.replace("dbname=", "dbname=no_such_"), *arguments)
    _one_sentence(done)
    assert "no_such_" in done.stderr


@pytest.mark.parametrize("arguments", WORKING, ids=" ".join)
def test_a_server_that_is_not_there_is_one_sentence(arguments: list[str]) -> None:
    _one_sentence(run("postgresql://ada:s3cret@/x?host=/nowhere", *arguments))


@pytest.mark.parametrize("arguments", WORKING[:4], ids=" ".join)
def test_a_database_without_a_schema_names_the_command_that_makes_it(arguments: list[str], empty_database: str) -> None:
    done = run(empty_database, *arguments)
    _one_sentence(done)
    assert "wfstore migrate" in done.stderr


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://ada:s3cret@host/x"])
def test_what_is_no_url_is_one_sentence(url: str) -> None:
    _one_sentence(run(None, "stats", "--database-url", url))


def _one_sentence(done: subprocess.CompletedProcess[str]) -> None:
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    first, *hint = done.stderr.splitlines()
    assert first.startswith("wfstore: ")
    assert all(line.startswith("  ") for line in hint)
    assert len(hint) <= 2
    assert "Traceback" not in done.stderr
    assert "s3cret" not in done.stderr


# --- pipes and interruptions --------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [["stats"], ["stats", "--json"], ["--help"]], ids=" ".join)
def test_a_reader_that_has_gone_is_no_trouble(arguments: list[str], database: str) -> None:
    process = start(database, *arguments)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()  # before anything is written
    stderr = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=30) in (0, 1)
    assert stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("arguments", [["stats"], ["stats", "--json"], ["export", "n8n", "--all"]], ids=" ".join)
def test_a_full_disk_is_said_in_one_sentence(arguments: list[str], database: str, store: Store) -> None:
    store.workflows.add({"name": "w"})
    with Path("/dev/full").open("w") as full:
        process = start(database, *arguments, stdout=full)
        _, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr) == (1, "wfstore: the output cannot be written: No space left on device\n")


def test_the_first_line_of_many(database: str) -> None:
    process = start(database, "stats")
    head = subprocess.run(["head", "-1"], stdin=process.stdout, capture_output=True, text=True, check=True)
    assert process.stdout is not None
    process.stdout.close()
    _, stderr = process.communicate(timeout=30)
    assert len(head.stdout.splitlines()) == 1
    assert (process.returncode in (0, 1), stderr) == (True, "")


def test_ctrl_c_ends_a_replay_and_says_how_to_go_on(database: str, store: Store, admin: Admin) -> None:
    text = orjson.dumps(layered("layers", 5, 20))
    [identifier] = import_traces(store, [Source("it", lambda: text)]).workflow_ids
    process = start(database, "replay", str(identifier), "--speed", "5", "--workers", "2", process_group=0)
    wait_until(lambda: count(admin, "node_executions") > 5, "results")
    children = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of the foreground
    stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stdout) == (130, "")
    assert "Traceback" not in stderr
    assert "Interrupted: 1 execution(s) are unfinished." in stderr
    assert "wfstore replay --resume" in stderr
    assert not [child for child in children if child.is_running()]
    assert run(database, "replay", "--resume", "--lease", "1").returncode == 0


def test_ctrl_c_at_another_time_exits_with_130(database: str, admin: Admin) -> None:
    process = start(database, "import", "wfformat", "-", stdin=subprocess.PIPE)
    others = "datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
    wait_until(lambda: count(admin, f"pg_stat_activity WHERE {others}"), "it is connected, and reads")
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in stderr


# --- statistics ---------------------------------------------------------------------------------------------

FACTS: dict[str, type[BaseModel]] = {
    "active_by_status": models.StatusCount,
    "by_status": models.StatusCount,
    "performance": models.Performance,
    "performance_by_workflow": models.WorkflowPerformance,
    "queues": models.QueueDepth,
    "failing_nodes": models.NodeFailures,
    "slowest_nodes": models.NodeDurations,
    "storage": models.TableStorage,
}


def test_statistics_of_an_empty_database(database: str) -> None:
    facts = json.loads(run(database, "stats", "--json").stdout)
    assert facts.keys() == FACTS.keys()
    empty = {key for key, value in facts.items() if value == []}
    assert empty == FACTS.keys() - {"performance", "storage"}
    assert facts["performance"] == {
        "executions": 0,
        "average_ms": None,
        "p50_ms": None,
        "p95_ms": None,
        "p99_ms": None,
    }
    shown = run(database, "stats")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "Queues: none" in shown.stdout
    assert "Failing nodes, last 7 days: none" in shown.stdout


def test_statistics_of_a_database_in_use(database: str, store: Store, worker: Store, other_tenant: UUID) -> None:
    workflow_id = add_workflow(store, name="nightly run")
    enqueue(store, workflow_id, 3)
    [failed, _] = claim(worker, limit=2)
    facts = {"start_time": 1_000, "end_time": 91_000}
    worker.node_executions.record(result(failed, "the slow one", status=NodeStatus.ERROR, **facts))
    worker.executions.finish(ending(failed, ExecutionStatus.ERROR, **facts))
    found = json.loads(run(database, "stats", "--json").stdout)
    for key, model in FACTS.items():
        rows = found[key] if isinstance(found[key], list) else [found[key]]
        assert rows, key
        assert all(row.keys() == model.model_fields.keys() for row in rows), key
    assert found["by_status"] == [
        {"status": "ERROR", "executions": 1},
        {"status": "NEW", "executions": 1},
        {"status": "RUNNING", "executions": 1},
    ]
    performance = found["performance"]
    assert (performance["average_ms"], performance["p50_ms"]) == (90_000, 1.5 * 2**16)  # between 2**16 and 2**17
    assert found["failing_nodes"][0]["failures"] == 1
    shown = run(database, "stats", "--days", "1").stdout
    for expected in ("nightly run", "the slow one", "1 min 30 s", "ERROR", "default", "last 1 day"):
        assert expected in shown
    assert "nightly run" not in run(database, "stats", "--tenant", "other").stdout
    assert json.loads(run(database, "stats", "--tenant", str(other_tenant), "--json").stdout)["by_status"] == []


# --- the demo -----------------------------------------------------------------------------------------------


def test_the_demo_from_an_empty_database_to_statistics(empty_database: str) -> None:
    done = run(empty_database, "demo")
    assert done.returncode == 0, done.stderr
    for step in (
        "1. A PostgreSQL server",
        "2. The schema",
        "3. A workflow",
        "4. 24 executions",
        "5. What operators see",
    ):
        assert step in done.stdout
    assert "imported: nightly-video-archive, 214 nodes" in done.stdout
    assert "5,136 results for 5,136 nodes: none lost, none twice." in done.stdout
    assert "kill -9" in done.stderr
    assert "was killed by SIGKILL" in done.stderr
    assert "Traceback" not in done.stderr
    again = run(empty_database, "demo")
    assert again.returncode == 0, again.stderr
    assert "nothing to do: it is up to date" in again.stdout
    assert "unchanged: nightly-video-archive" in again.stdout


def test_what_the_demo_advises_works(database: str, store: Store) -> None:
    text = orjson.dumps(diamond())
    [identifier] = import_traces(store, [Source("it", lambda: text)]).workflow_ids
    done = run(database, "replay", str(identifier), "--workers", "2")
    assert done.returncode == 0
    assert "node results/s" in done.stdout

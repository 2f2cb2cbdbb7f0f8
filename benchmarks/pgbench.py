"""pgbench: what a client in C gets out of the server with the single-row form of a statement."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import orjson
import psycopg
from psycopg import sql

from benchmarks.bench import Bench, with_option
from benchmarks.measuring import p99_of
from benchmarks.model import NotRun, Sample
from benchmarks.payload import documents
from wfstore import DEFAULT_TENANT, ClaimedExecution, Role

STATEMENT = Path(__file__).with_name("sql") / "record_one.sql"
Tenancy = Literal["session", "transaction", "pipeline"]
"""Who sets the tenant: the session, once; each transaction; each transaction, in the statement's round trip."""
PARAMETERS = (":tenant", ":execution", ":attempt", ":node")
DOCUMENTS = 16
"""So many payloads, each its own script: of the same one again and again a processor knows each branch beforehand."""
_SHORTEST = 2  # seconds: in the first moments each client prepares its statement
_SAMPLED = 0.1  # of the transactions are logged, for the 99th percentile


def statement() -> str:
    """The single-row statement, with $1 to $6 for parameters, without its comments."""
    lines = STATEMENT.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("--"))


def script(tenancy: Tenancy, place: int) -> str:
    """A pgbench script: each client writes the nodes of an execution of its own, one after the other."""
    parameters = (*PARAMETERS, f":document{place}", f":document{(place + 1) % DOCUMENTS}")
    text = re.sub(r"\$(\d)", lambda found: parameters[int(found[1]) - 1], statement())
    choose = (
        "\\if :ready = 0\n"
        "SELECT execution_id AS execution, attempt FROM benchmark_leases WHERE client = :client_id \\gset\n"
        "\\set ready 1\n"
        "\\endif\n"
        "\\set node :node + 1\n"
    )
    begin = f"BEGIN;\nSET LOCAL wfstore.tenant_id = '{DEFAULT_TENANT}';\n"
    match tenancy:
        case "session":  # \gset fails where there is not exactly one row: nothing is counted that was refused
            return f"{choose}{text} \\gset\n"
        case "transaction":
            return f"{choose}{begin}{text} \\gset\nCOMMIT;\n"
        case "pipeline":  # its rows cannot be looked at
            return f"{choose}\\startpipeline\n{begin}{text};\nCOMMIT;\n\\endpipeline\n"


def prepare(database_url: str, leases: Sequence[ClaimedExecution]) -> None:
    """Let each client find an execution that it may write to."""
    with closing(psycopg.connect(database_url, autocommit=True)) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE benchmark_leases (client integer, execution_id uuid, attempt integer)")
        cursor.executemany(
            "INSERT INTO benchmark_leases VALUES (%s, %s, %s)",
            [(client, lease.execution_id, lease.attempt) for client, lease in enumerate(leases)],
        )
        cursor.execute(sql.SQL("GRANT SELECT ON benchmark_leases TO wfstore_worker"))


class Pgbench:
    """Runs the script; nodes are numbered on from one run to the next."""

    def __init__(self, bench: Bench, database_url: str) -> None:
        self._bench = bench
        self._url = bench.url(database_url, Role.WORKER)
        self._program = bench.program("pgbench")
        self._first = 0
        texts = (orjson.dumps(each).decode() for each in documents(DOCUMENTS))
        self._payload = {f"document{place}": text for place, text in enumerate(texts)}

    def measure(self, tenancy: Tenancy, clients: int, seconds: float) -> Sample:
        """Run so many clients for so long."""
        self._first += 10**7
        url = with_option(self._url, f"-c wfstore.tenant_id={DEFAULT_TENANT}")
        if tenancy != "session":
            url = self._url
        variables = {"ready": "0", "attempt": "0", "execution": "0", "node": str(self._first)}
        variables |= {"tenant": str(DEFAULT_TENANT), **self._payload}
        with TemporaryDirectory(dir=self._bench.folder) as folder:
            files = [Path(folder) / f"script{place}.sql" for place in range(DOCUMENTS)]
            for place, file in enumerate(files):
                file.write_text(script(tenancy, place), encoding="utf-8")
            said = self._run(url, files, clients, seconds, variables)
            return Sample(_rate(said), p99_of(_latencies(Path(folder))))

    def _run(self, url: str, files: Sequence[Path], clients: int, seconds: float, variables: Mapping[str, str]) -> str:
        defined = [part for name, value in variables.items() for part in ("-D", f"{name}={value}")]
        command = [
            self._program, "--no-vacuum", "--protocol=prepared", *(f"--file={file}" for file in files),
            f"--client={clients}",
            f"--jobs={min(clients, 2)}", f"--time={max(_SHORTEST, round(seconds))}", "--log", "--exit-on-abort",
            f"--log-prefix={files[0].parent / 'log'}", f"--sampling-rate={_SAMPLED}", *defined, url,
        ]  # fmt: skip
        if self._bench.home is None:  # new in 17, and PATH's may be older
            command.remove("--exit-on-abort")
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise NotRun(f"pgbench failed: {done.stderr.strip().splitlines()[-1]}")
        return done.stdout


def _rate(said: str) -> float:
    found = re.search(r"tps = ([\d.]+) \(without initial connection time\)", said)
    if found is None:
        raise NotRun("pgbench did not tell a rate")
    return float(found[1])


def _latencies(folder: Path) -> list[float]:
    """Milliseconds of each logged transaction; its third field is microseconds."""
    files = folder.glob("log.*")
    return [int(line.split()[2]) / 1000 for file in files for line in file.read_text().splitlines()]

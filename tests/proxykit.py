"""A proxy between a store and its server: it counts round trips, loses replies and refuses connections."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from psycopg.conninfo import conninfo_to_dict

from tests.conftest import in_database

_CHUNK = 1 << 16


class Proxy:
    """Listens on a port of its own and passes on what is said, until told otherwise."""

    def __init__(self, url: str) -> None:
        values = {key: str(value) for key, value in conninfo_to_dict(url).items() if value is not None}
        self._host, self._port = values["host"], values.get("port", "5432")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._ends: list[socket.socket] = []
        self._lose_reply = False
        self._silent = 0
        self.connections = 0
        """How many there have been."""
        self.round_trips = 0
        """How often a client asked for an answer and waited: Sync and Query messages of the protocol."""
        self._port_here = port = self._listener.getsockname()[1]
        away = in_database(url, values["dbname"]).split("?", 1)[1]
        kept = [pair for pair in away.split("&") if pair.partition("=")[0] not in ("host", "port")]
        ways = [f"host=127.0.0.1&port={port}", "sslmode=disable", "gssencmode=disable"]
        self.url = "postgresql://?" + "&".join([*kept, *ways])
        threading.Thread(target=self._accept, daemon=True).start()

    def lose_next_reply(self) -> None:
        """Pass on what the client says next; when the server answers, hang up on both instead.

        Once for a store: afterwards its pool may be connecting anew, and that answer would be the next.
        """
        self._lose_reply = True

    def stall(self) -> None:
        """Pass nothing on any more on the connections that are there, and close none; new ones work."""
        self._silent = self.connections

    def down(self) -> None:
        """Hang up on all, and refuse connections until `up`."""
        self.refuse()
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def up(self) -> None:
        """Take connections again, on the same port."""
        self._listener = socket.create_server(("127.0.0.1", self._port_here))
        threading.Thread(target=self._accept, daemon=True).start()

    def refuse(self) -> None:
        """Take no more connections; those that are there go on."""
        self._listener.shutdown(socket.SHUT_RDWR)  # close alone would not wake the thread that accepts
        self._listener.close()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()
        for end in self._ends:
            end.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = self._to_server()
            self._ends += [client, server]
            number = self.connections
            self.connections += 1
            threading.Thread(target=self._pump, args=(client, server, True, number), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, False, number), daemon=True).start()

    def _to_server(self) -> socket.socket:
        if not self._host.startswith("/"):
            return socket.create_connection((self._host, int(self._port)))
        server = socket.socket(socket.AF_UNIX)
        server.connect(str(Path(self._host) / f".s.PGSQL.{self._port}"))
        return server

    def _pump(self, source: socket.socket, target: socket.socket, from_client: bool, number: int) -> None:
        questions = _Questions()
        with suppress(OSError):
            while data := source.recv(_CHUNK):
                with self._lock:
                    self.round_trips += questions.count(data) if from_client else 0
                    if self._lose_reply and not from_client:
                        self._lose_reply = False
                        break
                if number >= self._silent:
                    target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class _Questions:
    """Counts the messages of a client that make it wait, however they are cut into pieces on the way."""

    def __init__(self) -> None:
        self._rest = b""
        self._started = False

    def count(self, data: bytes) -> int:
        self._rest += data
        found = 0
        while len(self._rest) >= 5:
            head = 1 if self._started else 0  # the first message of a connection has no letter
            length = head + int.from_bytes(self._rest[head : head + 4], "big")
            if len(self._rest) < length:
                break
            found += self._started and self._rest[:1] in (b"S", b"Q")
            self._started = True
            self._rest = self._rest[length:]
        return found

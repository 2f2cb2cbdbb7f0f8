"""What tests need of an editor."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


class Editor:
    """As much of an editor as asks a language server what stands under the mouse."""

    def __init__(self, command: str, folder: Path) -> None:
        self._folder = folder
        self._number = 0
        self._server = subprocess.Popen(
            [command, "--stdio"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def __enter__(self) -> Editor:
        uri = self._folder.as_uri()
        folders = [{"uri": uri, "name": "program"}]
        capabilities = {
            "textDocument": {"hover": {"contentFormat": ["markdown"]}},
            "workspace": {"configuration": True},
        }
        self._ask("initialize", processId=os.getpid(), rootUri=uri, workspaceFolders=folders, capabilities=capabilities)
        self._tell("initialized")
        return self

    def __exit__(self, *error: object) -> None:
        self._server.kill()
        self._server.communicate()

    def hover(self, name: str, text: str, *, line: int, character: int) -> str:
        """What is shown for a place of a file."""
        uri = (self._folder / name).as_uri()
        self._tell(
            "textDocument/didOpen", textDocument={"uri": uri, "languageId": "python", "version": 1, "text": text}
        )
        answer = self._ask(
            "textDocument/hover", textDocument={"uri": uri}, position={"line": line, "character": character}
        )
        return str(answer["contents"]["value"])

    def _tell(self, method: str, **parameters: Any) -> None:
        self._send({"jsonrpc": "2.0", "method": method, "params": parameters})

    def _ask(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        self._send({"jsonrpc": "2.0", "id": self._number, "method": method, "params": parameters})
        while True:
            message = self._receive()
            if "method" in message and "id" in message:  # it asks something itself: it shall do as it likes
                settings = [{"pythonPath": sys.executable}] * len(message.get("params", {}).get("items", []))
                self._send({"jsonrpc": "2.0", "id": message["id"], "result": settings or None})
            elif message.get("id") == self._number:
                return message["result"]

    def _send(self, message: dict[str, Any]) -> None:
        assert self._server.stdin is not None
        body = json.dumps(message).encode()
        self._server.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._server.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        output = self._server.stdout
        assert output is not None
        length = 0
        while line := output.readline().strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        assert length, "the language server has ended"
        found: dict[str, Any] = json.loads(output.read(length))
        return found

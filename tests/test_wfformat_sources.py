"""Which files, folders and streams are read, and how what cannot be read is refused."""

from __future__ import annotations

import gzip
import importlib
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from wfstore.errors import InvalidInput
from wfstore.wfformat import Source, sources


def names(found: list[Source]) -> list[str]:
    return [Path(source.name).name for source in found]


def reason(source: Source) -> str:
    with pytest.raises(InvalidInput) as refused:
        source.read()
    return str(refused.value)


def test_files_and_folders_in_order(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    packed = gzip.compress(b"[2]")
    (tmp_path / "deep" / "er" / "b.json.gz").write_bytes(packed)
    (tmp_path / "deep" / "a.json").write_bytes(packed)  # gzip, whatever its name says
    (tmp_path / "z.json").write_bytes(b"[1]")
    (tmp_path / "notes.txt").write_bytes(b"no")
    (tmp_path / "round").symlink_to(tmp_path)
    found = list(sources([str(tmp_path / "notes.txt"), str(tmp_path)]))
    assert names(found) == ["notes.txt", "a.json", "b.json.gz", "z.json"]
    assert [source.read() for source in found] == [b"no", b"[2]", b"[2]", b"[1]"]


def test_what_cannot_be_read_is_refused_under_its_name(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "lost.json").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "folder" / "pipe.json")
    damaged = gzip.compress(bytes(1000))
    (tmp_path / "short.json.gz").write_bytes(damaged[:-4])
    (tmp_path / "wrong.json.gz").write_bytes(damaged[:-6] + b"??" + damaged[-4:])
    (tmp_path / "bad.json.gz").write_bytes(damaged[:10] + b"\xff" * 20)
    arguments = ["missing.json", "empty", "folder", "short.json.gz", "wrong.json.gz", "bad.json.gz"]
    found = list(sources([str(tmp_path / name) for name in arguments]))
    assert [(name, reason(source)[:28]) for name, source in zip(names(found), found, strict=True)] == [
        ("missing.json", "cannot be read: No such file"),
        ("empty", "holds no .json or .json.gz f"),
        ("lost.json", "cannot be read: No such file"),
        ("pipe.json", "is not a regular file"),
        ("short.json.gz", "is a damaged gzip file: it e"),
        ("wrong.json.gz", "is a damaged gzip file: CRC "),
        ("bad.json.gz", "is a damaged gzip file: Erro"),
    ]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root reads whatever it likes")
def test_closed_files_and_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    (tmp_path / "closed.json").touch(mode=0)
    assert [reason(source) for source in sources([str(tmp_path)])] == [
        "cannot be searched: Permission denied",
        "cannot be read: Permission denied",
    ]


def test_odd_names(tmp_path: Path) -> None:
    (found,) = sources(["a\0b.json"])
    assert "null" in reason(found)
    odd = os.fsdecode(b"caf\xe9.json")
    (found,) = sources([odd])
    assert found.name == "caf\\udce9.json"


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_standard_input(pack: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(pack(b"[1]"))))
    (source,) = sources(["-"])
    assert (source.name, source.read()) == ("-", b"[1]")


def test_a_gzip_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # In the package, `sources` is the function of that name.
    monkeypatch.setattr(importlib.import_module("wfstore.wfformat.sources"), "MAX_BYTES", 4 * 1024**2)
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(bytes(5 * 1024**2)))
    (tmp_path / "b.json").write_bytes(bytes(5 * 1024**2))
    (tmp_path / "c.json.gz").write_bytes(gzip.compress(bytes(4 * 1024**2)))
    bomb, long, fits = sources([str(tmp_path)])
    assert reason(bomb) == "unpacks to more than 4 MiB, the most that is read"
    assert reason(long) == "is longer than 4 MiB, the most that is read"
    assert len(fits.read()) == 4 * 1024**2

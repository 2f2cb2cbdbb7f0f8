"""Which files, folders and streams are read, how they are split into texts, and how what cannot be read is refused."""

from __future__ import annotations

import gzip
import io
import os
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from wfstore.errors import InvalidInput
from wfstore.imports import sources as module
from wfstore.imports.sources import Source, files, sources, texts

LIMIT = 1000
Read = list[tuple[str, int | None, str | bytes]]


def names(found: list[Source]) -> list[str]:
    return [Path(source.name).name for source in found]


def reason(source: Source) -> str:
    with pytest.raises(InvalidInput) as refused:
        source.read()
    return str(refused.value)


def reading(*arguments: str | Path, limit: int = LIMIT) -> Read:
    """What is read of each text, or the reason why nothing is."""
    found: Read = []
    for source in texts(list(files([str(each) for each in arguments])), limit):
        try:
            content: str | bytes = source.read()
        except InvalidInput as error:
            content = str(error)
        found.append((Path(source.name).name, source.line, content))
    return found


# --- arguments ----------------------------------------------------------------------------------------------


def test_files_and_folders_in_order(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    packed = gzip.compress(b"[2]")
    (tmp_path / "deep" / "er" / "b.json.gz").write_bytes(packed)
    (tmp_path / "deep" / "a.json").write_bytes(packed)  # gzip, whatever its name says
    (tmp_path / "z.json").write_bytes(b"[1]")
    (tmp_path / "notes.txt").write_bytes(b"no")
    (tmp_path / "lines.jsonl").write_bytes(b"[3]")
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


def stand_in(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    """Let a text stand in for standard input, which gives one byte at a time as a slow pipe may."""

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size, 1) if size and 0 < size < 3 else size)

    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=Slow(content)))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_standard_input(pack: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, pack(b"[1]"))
    (source,) = sources(["-"])
    assert (source.name, source.read()) == ("-", b"[1]")


def test_standard_input_that_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert reading("-") == [("-", None, "cannot be read: it is closed")]


def test_a_gzip_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 4 * 1024**2)
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(bytes(5 * 1024**2)))
    (tmp_path / "b.json").write_bytes(bytes(5 * 1024**2))
    (tmp_path / "c.json.gz").write_bytes(gzip.compress(bytes(4 * 1024**2)))
    bomb, long, fits = sources([str(tmp_path)])
    assert reason(bomb) == "unpacks to more than 4,194,304 bytes (4 MiB), the most that is read"
    assert reason(long) == "is longer than 4,194,304 bytes (4 MiB), the most that is read"
    assert len(fits.read()) == 4 * 1024**2


# --- lines --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("name", ["some.jsonl", "some.jsonl.gz", "SOME.JSONL"])
def test_each_line_is_a_text_with_its_number(tmp_path: Path, name: str, pack: Callable[[bytes], bytes]) -> None:
    path = tmp_path / name
    path.write_bytes(pack(b'{"a": 1}\n\n \t\r\nbad\r\n{"b": 2}'))
    assert reading(path) == [(name, 1, b'{"a": 1}'), (name, 4, b"bad"), (name, 5, b'{"b": 2}')]


def test_all_four_forms_in_a_folder(tmp_path: Path) -> None:
    for name, content in [("a.json", b"{}\n{}"), ("b.jsonl", b"{}\n{}")]:
        (tmp_path / name).write_bytes(content)
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(content))
    (tmp_path / "c.txt").write_bytes(b"{}")
    assert [(name, line) for name, line, _ in reading(tmp_path)] == [
        ("a.json", None),
        ("a.json.gz", None),
        ("b.jsonl", 1),
        ("b.jsonl", 2),
        ("b.jsonl.gz", 1),
        ("b.jsonl.gz", 2),
    ]


def test_nothing_to_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "none.jsonl").write_bytes(b"\n\n")
    (tmp_path / "none.json").write_bytes(b"")
    assert reading(tmp_path / "folder", tmp_path / "none.jsonl", tmp_path / "none.json", tmp_path / "no.jsonl") == [
        ("folder", None, "holds no .json, .json.gz, .jsonl or .jsonl.gz file"),
        ("none.jsonl", None, "is empty"),
        ("none.json", None, b""),
        ("no.jsonl", None, "cannot be read: No such file or directory"),
    ]


def test_a_line_that_is_too_long_is_refused_with_its_length(tmp_path: Path) -> None:
    path = tmp_path / "some.jsonl"
    path.write_bytes(b"1\n" + b"x" * (LIMIT + 1) + b"\n" + b"y" * LIMIT + b"\n2")
    assert reading(path) == [
        ("some.jsonl", 1, b"1"),
        ("some.jsonl", 2, "is 1,001 bytes long; the most that is read is 1,000 (0 MiB)"),
        ("some.jsonl", 3, b"y" * LIMIT),
        ("some.jsonl", 4, b"2"),
    ]


def test_a_line_without_end_is_not_followed_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wfstore.imports.streams.LONGEST_SKIP", 2 * 1024**2)
    path = tmp_path / "bomb.jsonl.gz"
    path.write_bytes(gzip.compress(b"1\n" + bytes(20 * 1024**2) + b"\n2"))
    assert reading(path) == [
        ("bomb.jsonl.gz", 1, b"1"),
        ("bomb.jsonl.gz", 2, "is longer than 2 MiB; nothing is read from here on"),
    ]


@pytest.mark.parametrize(
    ("damage", "reason"), [(lambda raw: raw[:-400], "ends too early"), (lambda raw: raw[:-8] + b"?" * 8, "CRC")]
)
def test_what_was_read_of_a_damaged_file_is_kept(tmp_path: Path, damage: Callable[[bytes], bytes], reason: str) -> None:
    lines = [os.urandom(40).hex().encode() for _ in range(5000)]
    path = tmp_path / "cut.jsonl.gz"
    path.write_bytes(damage(gzip.compress(b"\n".join(lines))))
    *good, (name, line, fault) = reading(path)
    assert [content for _, _, content in good] == lines[: len(good)]
    assert len(good) >= 4900
    assert (name, line) == ("cut.jsonl.gz", len(good) + 1)
    assert isinstance(fault, str)
    assert fault.startswith("is a damaged gzip file: ")
    assert reason in fault


def test_lines_take_the_memory_of_one(tmp_path: Path) -> None:
    path = tmp_path / "many.jsonl.gz"
    with gzip.open(path, "wb", compresslevel=1) as stream:
        for _ in range(64):
            stream.write(b"x" * 1024**2 + b"\n")
    tracemalloc.start()
    read = sum(len(source.read()) for source in texts(list(files([str(path)])), 2 * 1024**2))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert read == 64 * 1024**2
    assert peak < 16 * 1024**2


# --- by content ---------------------------------------------------------------------------------------------

PRETTY = b'{\n  "nodes": [\n    {}\n  ]\n}\n'


def lined(found: Read) -> list[int | None]:
    return [line for _, line, _ in found]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"a": 1}', [None]),
        (b'{"a": 1}\n\n', [None]),
        (PRETTY, [None]),
        (PRETTY + PRETTY, [None]),  # two documents one after the other are a fault, not lines
        (PRETTY[:-3], [None]),
        (b"", [None]),
        (b'{"nodes": [\n{"id": 1}\n], "connections": {}}', [None]),  # a line of it is JSON, but it is so as a whole
        (b'[\n{"a": 1}\n]', [2]),  # the items of a list of objects
        (b"[\n1\n]", [None]),
        (b'{"a": 1}\n{"b": 2}', [1, 2]),
        (b'\n{"a": 1}\r\n\r\nbad\r\n', [2, 4]),
        (b'{bad}\n{"b": 2}\n', [1, 2]),
        (b'{"a": "' + b"x" * LIMIT + b'"}\n{"b": 2}\n{"c": 3}\n', [1, 2, 3]),
        (b'{"a": 1}\n' * LIMIT, list(range(1, LIMIT + 1))),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_the_content_of_other_files_says_what_they_are(
    content: bytes,
    expected: list[int | None],
    pack: Callable[[bytes], bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "download"
    path.write_bytes(pack(content))
    stand_in(monkeypatch, pack(content))
    for found in (reading(path), reading("-")):
        assert lined(found) == expected
        if expected == [None]:
            assert found[0][2] == content


def test_standard_input_that_is_too_long_or_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, b"[" + b" " * LIMIT + b"]")
    assert reading("-") == [("-", None, "is longer than 1,000 bytes (0 MiB), the most that is read")]
    stand_in(monkeypatch, gzip.compress(b'{"a": 1}\n{"b": 2}\n')[:-4])
    *good, (_, line, fault) = reading("-")
    assert good == [("-", 1, b'{"a": 1}'), ("-", 2, b'{"b": 2}')]
    assert (line, fault) == (3, "is a damaged gzip file: it ends too early; nothing is read from here on")


def test_a_stream_is_not_read_ahead_of_its_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next file is opened when the texts of the last one have been taken."""
    found: Iterator[Source] = texts(list(files(["not there.jsonl", "-"])), LIMIT)
    assert reason(next(found)) == "cannot be read: No such file or directory"
    stand_in(monkeypatch, b"{}")
    assert next(found).read() == b"{}"

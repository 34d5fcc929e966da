"""A file of finished reports, one line each, so that a run that was killed goes on where it stopped."""

import json
import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from odeanalysis.errors import ModelError
from odeanalysis.verification.catalogue import sources_of
from odeanalysis.verification.report import Report, document, report_from

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("key", "reference", "report")  # of a line
START = '{"key": "'
BENEATH = ("numpy", "scipy", "sympy", "mpmath", "numba", "hypothesis")


@dataclass(frozen=True)
class Journal:
    """Reports by reference, for one seed and one state of library and machine: those of another are left alone and not used."""

    path: Path
    seed: int

    def finished(self) -> dict[str, Report]:
        """Reference -> report. A line that was cut short by the end of a run does not count."""
        return {one["reference"]: report_from(one["report"]) for one in self._lines() if self._current(one)}

    def _current(self, line: dict) -> bool:
        """Whether a line is of this seed, of the library as it is, and of its claim as it stands in its file."""
        return line["key"] == self._key(line["reference"])

    def keep(self, reference: str, report: Report) -> None:
        """Appends a report; once this returns, it is on the disk."""
        line = json.dumps({"key": self._key(reference), "reference": reference, "report": document(report)})
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())

    def _key(self, reference: str) -> str:
        return f"{fingerprint()} {source_mark(reference)} seed {self.seed}"

    def _lines(self) -> list[dict]:
        text = self.path.read_text(encoding="utf-8", errors="replace") if self.path.exists() else ""
        found = [self._read(line, number) for number, line in enumerate(text.split("\n"), start=1) if line]
        if text and not text.endswith("\n"):
            # the last line was being written when the run was killed: a new one must not join it
            with self.path.open("a", encoding="utf-8") as file:
                file.write("\n")
        return found

    def _read(self, line: str, number: int) -> dict:
        try:
            found = json.loads(line)
        except json.JSONDecodeError:
            # what was cut short begins as a line does
            found = dict.fromkeys(PARTS, "cut short") if line.startswith(START) or START.startswith(line) else None
        if not (isinstance(found, dict) and set(PARTS) <= set(found)):
            raise ModelError(f"{self.path}, line {number}: not a line of a journal of `verify`; name another file")
        return found


def source_mark(reference: str) -> str:
    """What the files of a claim from outside of the library are; nothing for the library's own."""
    found = sources_of(reference)
    return _hash(found)[:16] if found else "own"


@lru_cache(maxsize=1)
def fingerprint() -> str:
    """What the library is, the packages beneath it, Python and the machine: any change of a source file gives another one."""
    versions = " ".join(f"{name}-{version(name)}" for name in BENEATH)
    python = f"{platform.python_implementation()}-{platform.python_version()}"
    return f"{_hash(sorted(ROOT.rglob('*.py')))[:16]} {versions} {python} {platform.system()}-{platform.machine()}"


def _hash(paths: Iterable[Path]) -> str:
    """Of some files: where they lie beside each other, and what is in them."""
    found, paths = sha256(), list(paths)
    root = os.path.commonpath([path.parent for path in paths])
    for path in paths:
        found.update(Path(os.path.relpath(path, root)).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()

"""A file of finished reports, one line each, so that a run that was killed goes on where it stopped."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from odeanalysis.errors import ModelError
from odeanalysis.verification.catalogue import source_of
from odeanalysis.verification.report import Report, document, report_from

ROOT = Path(__file__).resolve().parent.parent
BENEATH = ("numpy", "scipy", "sympy", "hypothesis")


@dataclass(frozen=True)
class Journal:
    """Reports by reference, for one seed and one state of the library: those of another are left alone and not used."""

    path: Path
    seed: int

    def finished(self) -> dict[str, Report]:
        """Reference -> report. A line that was cut short by the end of a run does not count."""
        return {one["reference"]: report_from(one["report"]) for one in self._lines() if self._current(one)}

    def _current(self, line: dict) -> bool:
        """Whether a line is of this seed, of the library as it is, and of its claim as it stands in its file."""
        return "reference" in line and line["key"] == self._key(line["reference"])

    def keep(self, reference: str, report: Report) -> None:
        """Appends a report; once this returns, it is on the disk."""
        line = json.dumps({"key": self._key(reference), "reference": reference, "report": document(report)})
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())

    def _key(self, reference: str) -> str:
        return f"{fingerprint()} {source_mark(reference)} seed {self.seed}"

    def _lines(self) -> Iterator[dict]:
        text = self.path.read_text(encoding="utf-8") if self.path.exists() else ""
        *whole, rest = text.split("\n")
        for number, line in enumerate(whole, start=1):
            yield self._read(line, number)
        if rest:
            # the last line was being written when the run was killed: a new one must not join it
            with self.path.open("a", encoding="utf-8") as file:
                file.write("\n")

    def _read(self, line: str, number: int) -> dict:
        try:
            found = json.loads(line)
        except json.JSONDecodeError:
            return {"key": "cut short"}
        if not (isinstance(found, dict) and {"key", "reference", "report"} <= set(found)):
            raise ModelError(f"{self.path}, line {number}: not a line of a journal of `verify`; name another file")
        return found


def source_mark(reference: str) -> str:
    """What a claim's file is, where the claim stands outside of the library; nothing for the library's own."""
    path = reference.rpartition(":")[0] if ".py:" in reference else source_of(reference)
    if path is None or not Path(path).is_file() or Path(path).resolve().is_relative_to(ROOT):
        return "own"
    return sha256(Path(path).read_bytes()).hexdigest()[:16]


@lru_cache(maxsize=1)
def fingerprint() -> str:
    """What the library and the packages beneath it are: any change of a source file gives another one."""
    found = sha256()
    for path in sorted(ROOT.rglob("*.py")):
        found.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    versions = " ".join(f"{name}-{version(name)}" for name in BENEATH)
    return f"{found.hexdigest()[:16]} {versions}"

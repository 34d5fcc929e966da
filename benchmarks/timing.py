"""Interleaved rounds, medians, and the table that every benchmark prints."""

import platform
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Timing:
    """Seconds of one row: the first call, and the rounds after it."""

    first: float
    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)


def interleaved(rows: Mapping[str, Callable[[], object]], rounds: int = 15) -> dict[str, Timing]:
    """Times every row once, then all rows in turn, so that a drift of the machine meets them alike."""
    first = {name: _seconds(run) for name, run in rows.items()}
    found: dict[str, list[float]] = {name: [] for name in rows}
    for _ in range(rounds):
        for name, run in rows.items():
            found[name].append(_seconds(run))
    return {name: Timing(first[name], tuple(found[name])) for name in rows}


def _seconds(run: Callable[[], object]) -> float:
    begun = perf_counter()
    run()
    return perf_counter() - begun


def show(title: str, timings: Mapping[str, Timing], marks: Mapping[str, float] | None = None) -> None:
    """The table: median, range, first call, and the mark with whether it is met."""
    table = Table(title=title, title_justify="left")
    for heading in ("row", "median ms", "min", "max", "first call ms", "mark ms", ""):
        table.add_column(heading, justify="left" if heading == "row" else "right")
    for name, timing in timings.items():
        mark = (marks or {}).get(name)
        numbers = [1e3 * seconds for seconds in (timing.median, min(timing.rounds), max(timing.rounds), timing.first)]
        met = "" if mark is None else "met" if timing.median <= mark else "missed"
        table.add_row(name, *(f"{number:.2f}" for number in numbers), "" if mark is None else f"{1e3 * mark:g}", met)
    Console(width=120).print(table)


def machine(*packages: str) -> str:
    """Processor features and versions, without names of machines."""
    info = Path("/proc/cpuinfo")
    flags = info.read_text() if info.exists() else ""
    simd = "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else "no AVX2"
    versions = ", ".join(f"{name} {_version(name)}" for name in packages)
    return f"{platform.machine()}, {simd}, Python {platform.python_version()}, {versions}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"

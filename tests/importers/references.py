"""Three SBML files, each with what it means written by hand for NumPy: the start, the slope, and the numbers of the file.

Nothing here reads the files: names are those of the model, but the formulas were written from the statement of SBML alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent / "sbml"
Numbers = dict[str, float]


@dataclass(frozen=True)
class Reference:
    """states: in order.  values: parameter -> number.  start, slope: of those, as lists in the order of the states.  breaks: in depth."""

    name: str
    states: tuple[str, ...]
    values: Numbers
    start: Callable[[Numbers], list[float]]
    slope: Callable[[float, Any, Numbers], list[float]]
    end: float = 4.0
    breaks: tuple[float, ...] = ()

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.name}.xml"


def _enzyme_start(p: Numbers) -> list[float]:
    return [p["Sout0"] / p["medium"], p["S0"], p["E0"], p["C0"] * p["cell"], p["P0"] / p["cell"]]


def _enzyme(t: float, y: Any, p: Numbers) -> list[float]:
    outside, inside, enzyme, complex_, _ = y
    uptake = p["k"] * (outside - inside)
    binding = p["binding_k"] * inside * enzyme - p["kback"] * complex_
    turnover = p["turnover_k"] * complex_ / (1 + p["lambda_0"] / p["cell"])
    amounts = [-uptake, uptake - binding, turnover - binding, binding - turnover]
    slopes = [p["scale"] * one for one in amounts]
    return [slopes[0] / p["medium"], slopes[1] / p["cell"], slopes[2], slopes[3], p["two"] * 1.5 * turnover / p["cell"]]


def _driven_start(p: Numbers) -> list[float]:
    return [np.sqrt(p["period"]) + 2 * p["v0"] + 1.0, p["v0"]]


def _driven(t: float, y: Any, p: Numbers) -> list[float]:
    u, v = y
    omega = 2 * np.pi / p["period"]
    drive = np.cos(omega * t) if t < 3 else 0.0
    energy = (v**2 + (omega * u) ** 2) / 2
    return [v, drive - p["t"] * v * energy - omega**2 * u]


def _cascade(t: float, y: Any, p: Numbers) -> list[float]:
    signal, a, b = y
    inhibited = p["K"] ** 2 / (p["K"] ** 2 + b**2)
    making = p["pot"] * p["kin"] * p["feed"] * inhibited
    passing = signal / (1 + (p["K"] / a) ** p["n"])
    leaving = p["kout"] * b * (p["pot"] + making / p["pot"])
    return [-p["kout"] * signal, (making - (1 + p["n"]) * passing) / p["pot"], (2 * passing - leaving) / p["pot"]]


ENZYME: Numbers = {"medium": 5, "cell": 0.5, "scale": 0.9, "two": 2, "k": 0.7, "binding_k": 1.5, "kback": 0.2, "turnover_k": 0.8}
ENZYME |= {"Sout0": 10, "S0": 0.2, "E0": 0.4, "C0": 0.1, "P0": 0, "lambda_0": 0.3}
CASCADE: Numbers = {"pot": 2, "kin": 0.9, "K": 0.8, "n": 3, "kout": 0.5, "feed": 1.5, "signal0": 1, "A0": 0.3, "B0": 0.1}

REFERENCES = {
    one.name: one
    for one in (
        Reference("enzyme", ("Sout", "S", "E", "C", "P"), ENZYME, _enzyme_start, _enzyme),
        Reference("driven", ("u", "v"), {"v0": -0.3, "period": 4, "t": 0.25}, _driven_start, _driven, breaks=(3.0,)),
        Reference("cascade", ("signal", "A", "B"), CASCADE, lambda p: [p["signal0"], p["A0"], p["B0"]], _cascade),
    )
}

"""The derivative of the loss by a depth that moves, as derivations print it: the parts of all that stands there, in text and in LaTeX."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp
from typing import Any

import pytest

import odeanalysis as oda
from odeanalysis.derivations.adjoint import adjoint
from odeanalysis.reports.equations import Label, steps

s, z, c, m = oda.depth, *(oda.block(name) for name in "zcm")
SMOOTH, SWITCH_AT_C = z * m, oda.where(s < c, z, -z)

DOMAINS: dict[str, tuple[Any, ...]] = {"start": (c, 3), "end": (0, c), "inner": (0, 3)}
STARTS = "dell/ds0 = -H(s0) + a(s0)^T dh/ds0", "dell/ds0 = -H(s0+) + a(s0-)^T dh/ds0"
ENDS = "dell/dS = H(S) + dL/ds", "dell/dS = H(S-) + dL/ds"

# what stands at c: where c is, the field, which observations are made at it, and what is printed
PRINTED: dict[str, tuple[str, Any, tuple[tuple[Any, ...], ...], str]] = {
    "the start alone": ("start", SMOOTH, (), STARTS[0]),
    "a start that is observed": ("start", SMOOTH, ((c, 2),), f"{STARTS[1]} + dL0/ds"),
    "a start that is a break point": ("start", SWITCH_AT_C, (), STARTS[1]),
    "a start that is both": ("start", SWITCH_AT_C, ((2,), (c,)), f"{STARTS[1]} + dL1/ds"),
    "a start observed twice": ("start", SMOOTH, ((c,), (c,)), f"{STARTS[1]} + dL0/ds + dL1/ds"),
    "the end alone": ("end", SMOOTH, (), ENDS[0]),
    "the end, with an observation elsewhere": ("end", SMOOTH, ((1,),), ENDS[0]),
    "an end that is observed": ("end", SMOOTH, ((0, c),), f"{ENDS[1]} + dL0/ds"),
    "an end that is a break point": ("end", SWITCH_AT_C, (), ENDS[1]),
    "an end that is both": ("end", SWITCH_AT_C, ((c,),), f"{ENDS[1]} + dL0/ds"),
    "an end that is listed twice": ("end", SMOOTH, ((c, c),), f"{ENDS[1]} + sum_j dL0/ds"),
    "a break point alone": ("inner", SWITCH_AT_C, (), "H(s-) - H(s+), at c"),
    "an observed depth alone": ("inner", SMOOTH, ((c,),), "dL0/ds + H(s-) - H(s+), at c"),
    "a break point that is observed": ("inner", SWITCH_AT_C, ((1, c),), "dL0/ds + H(s-) - H(s+), at c"),
    "two observations at one depth": ("inner", SMOOTH, ((c,), (1,), (c,)), "dL0/ds + dL2/ds + H(s-) - H(s+), at c"),
    "one observation twice at one depth": ("inner", SWITCH_AT_C, ((c, 1, c),), "sum_j dL0/ds + H(s-) - H(s+), at c"),
}
# text -> LaTeX, piece by piece
LATEX = (
    ("dell/ds0", r"\frac{\partial \ell}{\partial s_0}"),
    ("dell/dS", r"\frac{\partial \ell}{\partial S}"),
    ("H(s0+)", "H(s_0^+)"),
    ("H(s0)", "H(s_0)"),
    ("a(s0)^T dh/ds0", r"a(s_0)^\top h_{s_0}"),
    ("a(s0-)^T dh/ds0", r"a(s_0^-)^\top h_{s_0}"),
    ("H(S-)", "H(S^-)"),
    ("H(s-) - H(s+)", "H(s^-) - H(s^+)"),
    ("sum_j", r"\sum_{j}"),
    ("dL/ds", r"\frac{\partial L}{\partial s}"),
    *((f"dL{i}/ds", rf"\frac{{\partial L_{{{i}}}}}{{\partial s}}") for i in range(3)),
    (", at c", r",\ s = c"),
)


def notes(case: str) -> Iterator[Label]:
    """What is printed of the depth c and of others that move with it."""
    place, field, observed, _ = PRINTED[case]
    data = [oda.block(f"y{i}") for i in range(len(observed))]
    observations = tuple(oda.Observation(at, s * (z - y) ** 2, (y,)) for at, y in zip(observed, data, strict=True))
    model = oda.Model({z: field}, {z: s + 1}, DOMAINS[place], parameters=(c, m))
    problem = oda.Problem(model, oda.Objective(terminal=s * z, observations=observations))
    return (right for step in steps(adjoint(problem)) for _, right in step.notes)


@pytest.mark.parametrize("case", PRINTED)
def test_all_that_stands_at_a_moving_depth_is_printed(case: str):
    assert PRINTED[case][3] in {note.text for note in notes(case)}


@pytest.mark.parametrize("case", PRINTED)
def test_the_latex_says_the_same(case: str):
    wanted = PRINTED[case][3]
    for words, formula in LATEX:
        wanted = wanted.replace(words, formula)
    assert wanted in {note.latex for note in notes(case)}


# ---------------------------------------------------------------- what is printed is the derivative


AT, RATE, STEP = 1.7, 0.4, 1e-6


@dataclass(frozen=True)
class ByHand:
    """A case solved in closed form: z(t) = (s0 + 1) e^{g(t) - g(s0)}, L = S z(S), L_i = t (z(t) - y)^2, and c has a value."""

    case: str
    at: float

    @property
    def switches(self) -> bool:
        return PRINTED[self.case][1] is SWITCH_AT_C

    @property
    def ends(self) -> tuple[float, float]:
        start, end = (self.depth(one) for one in DOMAINS[PRINTED[self.case][0]])
        return start, end

    def depth(self, stated: Any) -> float:
        return self.at if stated is c else float(stated)

    def exponent(self, t: float) -> float:
        return min(t, 2 * self.at - t) if self.switches else RATE * t

    def state(self, t: float) -> float:
        return (self.ends[0] + 1) * exp(self.exponent(t) - self.exponent(self.ends[0]))

    def observed(self) -> Iterator[tuple[int, float, float]]:
        """Number, depth and datum of everything observed."""
        for i, listed in enumerate(PRINTED[self.case][2]):
            yield from ((i, self.depth(one), 0.3 * i + 0.2 * j) for j, one in enumerate(listed))

    def loss(self) -> float:
        return self.ends[1] * self.state(self.ends[1]) + sum(t * (self.state(t) - y) ** 2 for _, t, y in self.observed())

    def costate(self, before: bool) -> float:
        """a on one side of c: what the costs that lie ahead change by with the state at c."""
        ahead = [(self.ends[1], self.ends[1])]
        ahead += [(t, 2 * t * (self.state(t) - y)) for _, t, y in self.observed() if t > self.at or (before and t == self.at)]
        return sum(slope * exp(self.exponent(t) - self.exponent(self.at)) for t, slope in ahead)

    def meaning(self) -> dict[str, float]:
        """The value of every term that may be printed."""
        z_at, before, after = self.state(self.at), self.costate(True), self.costate(False)
        rates = (1, -1) if self.switches else (RATE, RATE)
        left, right = before * rates[0] * z_at, after * rates[1] * z_at
        seen: dict[str, float] = {"dL/ds": z_at}
        for i, _, y in (one for one in self.observed() if one[1] == self.at):
            seen[f"dL{i}/ds"] = seen[f"sum_j dL{i}/ds"] = seen.get(f"dL{i}/ds", 0) + (z_at - y) ** 2
        start = {"H(s0)": right, "H(s0+)": right, "a(s0)^T dh/ds0": before, "a(s0-)^T dh/ds0": before}
        return {**seen, **start, "H(S)": left, "H(S-)": left, "H(s-)": left, "H(s+)": right}


@pytest.mark.parametrize("case", PRINTED)
def test_what_is_printed_is_the_derivative(case: str):
    """Term by term, against differences of the loss in closed form; c is a single mark in every case."""
    meaning = ByHand(case, AT).meaning()
    terms = PRINTED[case][3].split(" = ")[-1].removesuffix(", at c").replace(" - ", " + -").split(" + ")
    printed = sum(-meaning[term[1:]] if term.startswith("-") else meaning[term] for term in terms)
    measured = (ByHand(case, AT + STEP).loss() - ByHand(case, AT - STEP).loss()) / (2 * STEP)
    assert printed == pytest.approx(measured, rel=1e-7)  # rounding over the step, about 1e-9


def test_the_depth_has_its_name():
    """An observation's cost is differentiated by the depth under the name that the model gives it."""
    t = oda.block("t")
    model = oda.Model({z: z * m}, {z: 1}, (0, c), parameters=(c, m), depth=t)
    problem = oda.Problem(model, oda.Objective(terminal=t * z, observations=(oda.Observation((c,), t * z),)))
    found = [right.text for step in steps(adjoint(problem)) for _, right in step.notes]
    assert found == ["dell/dS = H(S-) + dL/dt + dL0/dt"]

"""The derivative of the loss by a depth that moves, as derivations print it: the parts of all that stands there, in text and in LaTeX."""

from collections.abc import Iterator
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
    "the end, with an observation elsewhere": ("end", SMOOTH, ((c / 2,),), ENDS[0]),
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


def test_the_depth_has_its_name():
    """An observation's cost is differentiated by the depth under the name that the model gives it."""
    t = oda.block("t")
    model = oda.Model({z: z * m}, {z: 1}, (0, c), parameters=(c, m), depth=t)
    problem = oda.Problem(model, oda.Objective(terminal=t * z, observations=(oda.Observation((c,), t * z),)))
    found = [right.text for step in steps(adjoint(problem)) for _, right in step.notes]
    assert found == ["dell/dS = H(S-) + dL/dt + dL0/dt"]

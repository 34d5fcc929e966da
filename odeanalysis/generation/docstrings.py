"""What the docstrings of a module's functions say: the formulas of the derivation as a reader would write them."""

from collections.abc import Callable, Iterator

from odeanalysis.derivations.derived import DerivedProblem
from odeanalysis.derivations.parts import COST, Parts
from odeanalysis.symbolic.formula import Formula
from odeanalysis.symbolic.nodes import shape_of

TITLES = {
    "field": "The field, and the running cost l where there is one.",
    "system": "dH for H = l + a^T f: by the depth if it moves, by the states, by the names.",
    "initial": "The initial value.",
    "start": "What the initial value sends back: a(s0)^T dh.",
    "terminal": "The terminal cost L.",
    "end": "What the terminal cost sends back: with weight 1 the costate at S.",
    "observation": "A cost L_i at an observed depth.",
    "jump": "What it sends back: with weight 1 the jump of the costate.",
}
Label = Callable[[str, str], str]


def _slope(name: str, depth: str) -> str:
    return "l" if name in (COST.name, "cost") else f"d{name}/d{depth}"


def _of_cost(name: str, depth: str) -> str:
    return name if name.startswith("a_") else f"dL/d{depth if name == 'depth' else name.removeprefix('grad_')}"


def _of_system(name: str, depth: str) -> str:
    return f"dH/d{name.removeprefix('grad_')}" if name.startswith("grad_") else _slope(name, depth)


def _of_start(name: str, depth: str) -> str:
    return f"a^T dh/d{depth if name == 'depth' else name.removeprefix('grad_')}"


LABELS: dict[str, Label] = {
    "field": _slope,
    "system": _of_system,
    "initial": lambda name, depth: f"{name}({depth}0)",
    "start": _of_start,
    "terminal": lambda name, depth: "L",
    "end": _of_cost,
    "observation": lambda name, depth: "L_i",
    "jump": _of_cost,
}


def said(derived: DerivedProblem, step: str) -> str:
    """A title, the formulas of a step that are not 0, and the shapes of what they use."""
    formula, kind = derived.readable[step], step.rstrip("0123456789")
    lines = list(_lines(formula, LABELS[kind], derived.parts.depth.name))
    shapes = ", ".join(f"{leaf.name} {shape_of(leaf)}" for leaf in formula.inputs if shape_of(leaf))
    rest = f"Shapes for one sample: {shapes}; of all others ()." if shapes else ""
    return "\n\n".join(part for part in (TITLES[kind], "\n".join(lines), rest) if part)


def _lines(formula: Formula, label: Label, depth: str) -> Iterator[str]:
    text = iter(str(formula).split("\n")[1 + len(formula.inputs) :])
    names = [*(leaf.name for leaf, _ in formula.lets), *(label(name, depth) for name, _ in formula.outputs)]
    for name, line in zip(names, text, strict=True):
        value = line.split(" = ", 1)[1]
        if not (value == "0" or value.startswith("zeros(")):
            yield f"{name} = {value}"


def flags_said(stated: Parts) -> str:
    """Which condition each flag stands for."""
    found = [f"{piece.flag.name}: {piece.condition}" for piece in stated.pieces.items]
    return "\n\n".join(("Which conditions on the depth hold: 1, else 0.", *(["\n".join(found)] if found else [])))


def marks_said(stated: Parts) -> str:
    return f"The depths at which a path is split.\n\n{', '.join(map(str, stated.depths))}"

"""What the docstrings of a module's functions say: the formulas of the derivation as a reader would write them."""

from collections.abc import Callable, Iterator

from odeanalysis.derivations.derived import DerivedProblem
from odeanalysis.derivations.parts import COST, Parts
from odeanalysis.symbolic.formula import Formula
from odeanalysis.symbolic.nodes import shape_of

TITLES = {
    "field": "The field, and the running cost l where there is one.",
    "system": "The derivative of H = l + a^T f: costate equation and integrands.",
    "initial": "The initial value.",
    "start": "What the initial value sends back: a(s0)^T dh.",
    "terminal": "The terminal cost L.",
    "end": "What the terminal cost sends back: with weight 1 the costate at S.",
    "observation": "A cost L_i at an observed depth.",
    "jump": "What it sends back: with weight 1 the jump of the costate.",
}
TRANSPOSES = ("system", "start", "end", "jump")
Label = Callable[[str, str], str]


def _slope(name: str, depth: str) -> str:
    return "l" if name in (COST.name, "cost") else f"d{name}/d{depth}"


def _of_cost(name: str, depth: str) -> str:
    return name if name.startswith("a_") else f"dL/d{depth if name == 'depth' else name.removeprefix('grad_')}"


def _of_system(name: str, depth: str) -> str:
    """Those of the field are said beside the field."""
    if name.startswith("grad_"):
        return f"dH/d{name.removeprefix('grad_')}"
    return f"-dH/d{name.removeprefix('a_')} = d{name}/d{depth}" if name.startswith("a_") else ""


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
    lines = "\n".join(_lines(formula, LABELS[kind], derived.parts.depth.name))
    shapes = ", ".join(f"{leaf.name} {shape_of(leaf)}" for leaf in formula.inputs if shape_of(leaf))
    rest = f"Shapes for one sample: {shapes}; of all others ()." if shapes else ""
    return "\n\n".join(part for part in (TITLES[kind], lines, rest, _returned(derived.parts, kind)) if part)


def _returned(stated: Parts, kind: str) -> str:
    """What a transpose gives, in which order."""
    if kind not in TRANSPOSES:
        return ""
    states = () if kind == "start" else stated.states
    data = stated.problem.data if kind == "jump" else ()
    names = [leaf.name for leaf in (*((stated.depth,) if stated.moves else ()), *states, *stated.names, *data)]
    weight = "" if kind == "start" else ", each times _weight where it stems from a cost"
    summed = "; what belongs to parameters is summed over the samples" if stated.problem.model.parameters else ""
    return f"Returned: the derivatives by {', '.join(names)}{weight}{summed}." if names else ""


def _lines(formula: Formula, label: Label, depth: str) -> Iterator[str]:
    text = iter(str(formula).split("\n")[1 + len(formula.inputs) :])
    names = [*(leaf.name for leaf, _ in formula.lets), *(label(name, depth) for name, _ in formula.outputs)]
    for name, line in zip(names, text, strict=True):
        value = line.split(" = ", 1)[1]
        if name and not (value == "0" or value.startswith("zeros(")):
            yield f"{name} = {value}"


def flags_said(stated: Parts) -> str:
    """Which condition each flag stands for."""
    found = [f"{piece.flag.name}: {piece.condition}" for piece in stated.pieces.items]
    return "\n\n".join(("Which conditions on the depth hold: 1, else 0.", *(["\n".join(found)] if found else [])))


def marks_said(stated: Parts) -> str:
    return f"The depths at which a path is split.\n\n{', '.join(map(str, stated.depths))}"

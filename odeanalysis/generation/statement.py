"""A problem as a few lines of text, for headers."""

from collections.abc import Iterator

from odeanalysis.modeling.model import Problem
from odeanalysis.symbolic.nodes import Leaf, shape_of
from odeanalysis.symbolic.printing.text import text


def statement(problem: Problem) -> Iterator[str]:
    """The equations of a problem, and the shapes of its names."""
    model, objective = problem.model, problem.objective
    for kind, leaves in {"state": model.states, "parameters": model.parameters, "inputs": model.inputs}.items():
        if leaves:
            yield f"    {kind}: {', '.join(map(_declared, leaves))}"
    depth, (start, end) = model.depth.name, map(text, model.domain)
    yield f"    {depth} from {start} to {end}"
    for name, value in model.functions:
        yield f"    {name.name}({depth}) = {text(value)}"
    for state, value in model.field:
        yield f"    {state.name}' = {text(value)}"
    for state, value in model.initial:
        yield f"    {state.name}({depth}0) = {text(value)}"
    for name, cost in {"running": objective.running, "terminal": objective.terminal}.items():
        if cost != 0:
            yield f"    {name} cost: {text(cost)}"
    for one in objective.observations:
        data = f", data {', '.join(map(_declared, one.data))}" if one.data else ""
        yield f"    cost at {', '.join(map(text, one.at))}: {text(one.cost)}{data}"
    yield f"    reduction over samples: {problem.reduction}"


def _declared(leaf: Leaf) -> str:
    shape = shape_of(leaf)
    return f"{leaf.name} [{', '.join(map(str, shape))}]" if shape else leaf.name

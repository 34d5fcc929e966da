"""A problem as the text of a model file, whose reading gives an equal problem."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from odeanalysis.errors import ModelError, TargetError
from odeanalysis.modeling.model import Objective, Problem
from odeanalysis.modeling.modelfile import loads
from odeanalysis.modeling.properties import KINDS, VALUE, Property
from odeanalysis.symbolic.nodes import Leaf, shape_of
from odeanalysis.symbolic.printing.text import text


def dumps(problem: Problem) -> str:
    """The TOML text of a problem: `loads(dumps(problem)) == problem`.

    Raises ModelError for what a model file cannot hold: depth-varying names that a transform made, symbolic sizes, the reduction
    "sum", and expressions of derived formulas.
    """
    _check(problem)
    try:
        written = "\n".join(_lines(problem)) + "\n"
        faithful = loads(written, problem.name) == problem
    except (ModelError, TargetError) as error:
        raise ModelError(f"{problem.name!r} cannot be written as a model file: {error}") from error
    if not faithful:
        raise ModelError(f"{problem.name!r} cannot be written as a model file: its text reads as another problem; report this")
    return written


def _check(problem: Problem) -> None:
    model = problem.model
    sizes = [size for leaf in (*model.states, *model.names, *problem.data) for size in shape_of(leaf)]
    reasons = {
        "its depth-varying names have no place there; write the model before its transforms": bool(model.functions or model.nodes),
        "its sizes are symbols; give numbers": not all(isinstance(size, int) for size in sizes),
        'it has no key for the reduction; use "mean" and choose the reduction where the gradient is taken': problem.reduction != "mean",
    }
    for reason, holds in reasons.items():
        if holds:
            raise ModelError(f"{problem.name!r} cannot be written as a model file: {reason}")


def _lines(problem: Problem) -> Iterator[str]:
    model, objective = problem.model, problem.objective
    yield f"name = {_quoted(model.name)}"
    yield f"depth = {_quoted(model.depth.name)}"
    yield f"domain = {_listed(model.domain)}"
    if model.breakpoints:
        yield f"breakpoints = {_listed(model.breakpoints)}"
    for key, leaves in {"state": model.states, "parameters": model.parameters, "inputs": model.inputs}.items():
        yield from _table(key, ((leaf.name, _shape(leaf)) for leaf in leaves))
    yield from _table("ranges", ((name, repr(list(limits))) for name, limits in problem.ranges))
    yield from _table("field", ((state.name, _quoted(text(value))) for state, value in model.field))
    yield from _table("initial", ((state.name, _quoted(text(value))) for state, value in model.initial))
    yield from _objective(objective)
    yield from _table("claims", ((one.key, _claimed(problem, kind)) for kind, one in KINDS.items() if _of(problem, kind)))


def _objective(objective: Objective) -> Iterator[str]:
    yield from _table("objective", ((key, _quoted(text(getattr(objective, key)))) for key in ("running", "terminal")))
    for one in objective.observations:
        data = ", ".join(f"{leaf.name} = {_shape(leaf)}" for leaf in one.data)
        yield from ("", "[[objective.observations]]")
        yield from (f"at = {_listed(one.at)}", f"data = {{ {data} }}", f"cost = {_quoted(text(one.cost))}")


def _of(problem: Problem, kind: str) -> list[Property]:
    return [claim for claim in problem.claims if claim.kind == kind]


def _claimed(problem: Problem, kind: str) -> str:
    """The claims of a kind: a list of values, or of tables where they have other parts."""
    return f"[{', '.join(map(_claim, _of(problem, kind)))}]"


def _claim(claim: Property) -> str:
    written = {name: _quoted(text(part)) for name, part in claim.named.items()}
    if set(written) == {VALUE} and claim.kind != "equilibrium":
        return written[VALUE]
    return f"{{ {', '.join(f'{name} = {part}' for name, part in written.items())} }}"


def _table(key: str, entries: Iterable[tuple[str, str]]) -> Iterator[str]:
    lines = [f"{name} = {value}" for name, value in entries]
    if lines:
        yield from ("", f"[{key}]", *lines)


def _shape(leaf: Leaf) -> str:
    return repr(list(shape_of(leaf)))


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _listed(values: Iterable[Any]) -> str:
    """Depths: whole numbers as they are, anything else as an expression, which is exact."""
    return f"[{', '.join(str(value) if value.is_Integer else _quoted(text(value)) for value in values)}]"

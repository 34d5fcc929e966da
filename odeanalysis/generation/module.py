"""A module of one model that needs NumPy or torch alone: its functions, and the solver and adjoint that use them."""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from importlib.metadata import version
from typing import Any

from odeanalysis.derivations.parts import Parts, parts
from odeanalysis.errors import TargetError
from odeanalysis.generation.formatting import INDENT, WIDTH, escaped, folded, formatted, heading, table
from odeanalysis.generation.functions import Function, functions
from odeanalysis.generation.methods import methods
from odeanalysis.generation.sections import helpers, rule, sections, words
from odeanalysis.generation.statement import statement
from odeanalysis.modeling.model import Problem
from odeanalysis.modeling.networks import networks
from odeanalysis.symbolic.nodes import Leaf, shape_of
from odeanalysis.targets import numpy_, torch_
from odeanalysis.targets.program import Program

PROGRAMS = {"numpy": numpy_.program, "torch": torch_.program}
NEEDS = {"numpy": "NumPy 2.0", "torch": "torch 2.0"}
LIBRARIES = {"numpy": "import numpy as np", "torch": "import torch"}
WRITTEN = "Written by odeanalysis "
PUBLIC = ("costate", "field", "hamiltonian_gradient", "value_and_gradient")


def generate(problem: Problem, target: str = "numpy") -> str:
    """The text of a module of a problem, always the same for the same problem.

    target: "numpy" or "torch", the only package that it imports beside the standard library. It has `field`, `costate`, the other
    formulas of the derivation, and

        value_and_gradient(values, *, method="tsit5", steps=None, rtol=1e-8, atol=1e-10) -> (value, {name: gradient})

    with the exact discrete adjoint of the steps, which agrees with `value_and_gradient` here.
    Raises TargetError for another target, an opaque network, and sizes that are symbols.
    """
    if target not in PROGRAMS:
        raise TargetError(f"there is no module for {target!r}; take one of {', '.join(map(repr, PROGRAMS))}")
    _check(problem)
    stated = parts(problem)
    printed = [(one, PROGRAMS[target](one.formula)) for one in functions(problem)]
    blocks = [
        _header(problem, target),
        *_sections([words(target)]),
        *_data(stated),
        *_model(printed, stated),
        *_helpers(target, [program for _, program in printed]),
        *_sections(sections()),
        *_numbers(stated),
    ]
    return "\n\n".join(block.rstrip("\n") + "\n" for block in blocks)


def _check(problem: Problem) -> None:
    if opaque := networks(problem):
        names = ", ".join(map(repr, opaque))
        raise TargetError(f"{problem.name!r} uses opaque networks ({names}), whose text nobody has; state their layers, or use the library")
    for leaf in (*problem.model.states, *problem.model.names, *problem.data):
        if not all(isinstance(size, int) for size in shape_of(leaf)):
            raise TargetError(f"{leaf.name!r} of {problem.name!r} has the shape {shape_of(leaf)}; give sizes that are numbers")


# ---------------------------------------------------------------- what is the model's own


def fingerprint(problem: Problem) -> str:
    """What tells one problem from another that has another module."""
    return hashlib.sha256(repr(replace(problem, ranges=(), claims=())).encode()).hexdigest()


def _header(problem: Problem, target: str) -> str:
    told = [
        f"The gradient of {problem.name!r}, derived and written for {target}.",
        "",
        *folded(statement(problem), WIDTH),
        "",
        "`value_and_gradient` gives the loss and its exact gradient; `field`, `costate` and the",
        "other functions of the model are the formulas of the derivation.",
        "",
        f"Needs Python 3.10 and {NEEDS[target]}, or newer.",
        f"Model {fingerprint(problem)[:32]}.",
        f"{WRITTEN}{version('odeanalysis')} with SymPy {version('sympy')}; do not edit.",
    ]
    lines = [
        *heading(told),
        "",
        "import math",
        "from collections.abc import Mapping",
        "from itertools import pairwise",
        "from typing import Any, NamedTuple",
        "",
        LIBRARIES[target],
        "",
        *table("__all__ = ", PUBLIC),
    ]
    return "\n".join(lines)


def _shapes(leaves: Iterable[Leaf]) -> dict[str, Any]:
    return {leaf.name: tuple(map(int, shape_of(leaf))) for leaf in leaves}


COMMENTS = {
    "STATES": "shapes for one sample",
    "OBSERVATIONS": "the marks at which each is taken, and the shapes of its data at one of them",
    "MARKS": "the depths that split a path, s0 and S first",
    "FIXED": "marks that are numbers",
    "BREAKS": "marks at which a condition on the depth switches",
    "MEETS": "marks that move, and that a path need not meet",
    "SWITCHES": "for each flag the mark at which it switches",
    "NODES": "how many nodes each sequence of them has",
    "RUNNING": "whether there is a running cost, and whether any mark moves",
}


def _data(stated: Parts) -> Iterator[str]:
    """The tables that say what the values are, and where paths are split."""
    model, problem = stated.problem.model, stated.problem
    observations = tuple(
        {"marks": marks, "data": _shapes(one.data)} for marks, one in zip(stated.observed, problem.objective.observations, strict=True)
    )
    tables = {
        "NAME": model.name,
        "STATES": _shapes(model.states),
        "PARAMETERS": _shapes(model.parameters),
        "INPUTS": _shapes(model.inputs),
        "OBSERVATIONS": observations,
        "MARKS": tuple(map(str, stated.depths)),
        "FIXED": tuple(mark for mark in range(len(stated.depths)) if stated.is_fixed(mark)),
        "BREAKS": stated.switching,
        "MEETS": tuple(i for i, (name, _) in enumerate(stated.marks.outputs) if name in stated.meets),
        "SWITCHES": stated.switches,
        "NODES": tuple(map(len, model.nodes)),
        "REDUCTION": problem.reduction,
        "RUNNING": stated.has_cost,
        "MOVES": stated.moves,
    }
    lines = []
    for name, value in tables.items():
        lines += [f"# {COMMENTS[name]}"] if name in COMMENTS else []
        lines += table(f"{name} = ", value)
    yield f"{rule('The model')}\n\n" + "\n".join(lines)


def _model(printed: list[tuple[Function, Program]], stated: Parts) -> Iterator[str]:
    for one, program in printed:
        (definition,) = ast.parse(program.definition).body
        assert isinstance(definition, ast.FunctionDef)
        yield formatted(definition, escaped("\n".join(folded(one.about.split("\n"), WIDTH - len(INDENT)))), "Array", "tuple[Array, ...]")
        if one.formula.name == "hamiltonian_gradient":
            yield _costate(stated)


def _costate(stated: Parts) -> str:
    first = 1 if stated.moves else 0
    return (
        "def costate(*arguments: Array) -> tuple[Array, ...]:\n"
        '    """The costate equation, a\' = -dH/dz: arguments as of `hamiltonian_gradient`."""\n'
        f"    found = hamiltonian_gradient(*arguments)\n"
        f"    return tuple(-part for part in found[{first}:{first + len(stated.states)}])\n"
    )


# ---------------------------------------------------------------- what is the same for all


def _helpers(target: str, programs: list[Program]) -> Iterator[str]:
    used = {helper for program in programs for helper in program.helpers}
    known = programs[0].dialect.helpers
    texts = list(helpers(target, iter(name for name in known if name in used)))
    if texts:
        yield rule("What they call")
        yield from texts


def _sections(parts: Iterable[tuple[str, str]]) -> Iterator[str]:
    for title, text in parts:
        yield title
        yield text


def _numbers(stated: Parts) -> Iterator[str]:
    costs = tuple(f"observation{i}" for i in range(len(stated.observations)))
    listed = ", ".join(f"({cost}, {cost}_vjp)" for cost in costs)
    yield f"{rule('What the sections above use')}\n\nCOSTS = ({listed}{',' if len(costs) == 1 else ''})\n" + "\n".join(methods())

"""An SBML file as a model with values."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from odeanalysis.derivations.parts import parts
from odeanalysis.errors import ModelError
from odeanalysis.importers.imported import Imported
from odeanalysis.importers.sbml import guard
from odeanalysis.importers.sbml.contents import Contents, contents
from odeanalysis.importers.sbml.declared import declared
from odeanalysis.importers.sbml.meanings import Meanings
from odeanalysis.modeling.checks import TITLE_LIMIT
from odeanalysis.modeling.model import Model, Objective, Problem
from odeanalysis.symbolic.rewrite import leaves

END = 10


def from_sbml(path: str | Path, end: Any = END) -> Imported:
    """The model that an SBML file of level 2 or 3 states, with the values that it gives.

    States are what has a rate rule and the species that reactions change, each in the units that its id has in the file's formulas; what is
    constant is a parameter, so that every number of the file has a gradient. A state S starts at a parameter S0, or as the file's initial
    assignment says. The domain is [0, end]: SBML has no end of its own.
    Raises ModelError naming the element that is not supported, or the formula and what is wrong in it.
    """
    file = Path(path)
    text = guard.text(file)
    with _located(file):
        return _imported(contents(text), end, file.stem)


@contextmanager
def _located(file: Path) -> Iterator[None]:
    try:
        yield
    except ModelError as error:
        raise ModelError(f"{file}: {error}") from error
    except RecursionError as error:
        raise ModelError(f"{file}: the formulas refer to each other too deeply; take out some levels") from error


def _imported(found: Contents, end: Any, stem: str) -> Imported:
    names = declared(found)
    if not names.states:
        raise ModelError("nothing changes: no species is made or used up, and nothing has a rate rule; there is no equation to import")
    meanings = Meanings(found, names)
    field = {names.symbols[state]: meanings.slope(state) for state in names.states}
    initial = {names.symbols[state]: meanings.value(state, at_start=True) for state in names.states}
    assigned = {names.symbols[name]: meanings.value(name) for name in found.assignments}
    used = leaves(*field.values(), *initial.values(), *assigned.values())
    shown = {*used, *field, *assigned}
    parameters = [symbol for symbol in names.values if symbol in used]
    model = Model(field, initial, (0, end), parameters, depth=names.depth, name=_title(found.name or stem))
    parts(Problem(model, Objective()))  # refuses a right side that jumps
    return Imported(
        model=model,
        values={one.name: _finite(one.name, names.values[one]) for one in parameters if names.values[one] is not None},
        missing=tuple(one.name for one in parameters if names.values[one] is None),
        renamed={old: symbol.name for symbol, old in names.renamed.items() if symbol in shown},
        assigned={symbol.name: value for symbol, value in assigned.items()},
        unused=tuple(one.name for one in names.values if one not in used),
    )


def _finite(name: str, value: Any) -> float:
    if not math.isfinite(value):
        raise ModelError(f"the value of {name!r} is {value}; give a finite number")
    return value


def _title(name: str) -> str:
    return "".join(letter for letter in name if letter.isprintable())[:TITLE_LIMIT] or "model"

"""A model that was imported, with what its file says beside it; its text as a model file with that in comments."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from odeanalysis.modeling.model import Model, Objective, Problem
from odeanalysis.modeling.writing import dumps
from odeanalysis.symbolic.printing.text import text

UNSTATED = "no objective yet: state what is minimised under [objective], or with oda.Objective"


@dataclass(frozen=True)
class Imported:
    """A model and what else its file says.

    values: the number of each parameter that has one.  missing: the parameters that have none.  renamed: a name of the file -> that of the
    model.  assigned: a name that the file gives by a formula -> that formula.  unused: names in no equation, which the model leaves out.
    """

    model: Model
    values: Mapping[str, float]
    missing: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    assigned: Mapping[str, Any] = field(default_factory=dict)
    unused: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The model file: comments on what is beside the equations, then the model, with an objective that is 0."""
        return "".join(f"# {line}\n" for line in _comments(self)) + dumps(Problem(self.model, Objective()))


def _comments(found: Imported) -> Iterator[str]:
    yield UNSTATED
    yield from (f"{old} is named {new}" for old, new in found.renamed.items())
    yield from (f"no value is given for {name}" for name in found.missing)
    if found.unused:
        yield f"in no equation: {', '.join(found.unused)}"
    yield from (f"{name} stands for {text(value)}" for name, value in found.assigned.items())

"""`NeuralODE`: a module whose forward solves a model, and whose backward is the derived problem."""

from collections.abc import Callable
from typing import Any, ClassVar, Self, cast

from torch import nn

from odeanalysis.errors import ModelError
from torchbridge.modules.settings import Solver

Accepts = Callable[[Any], bool]


class NeuralODE(nn.Module):
    """A continuous-depth model as a module: z' = f(s, x, z, theta), z(s0) = h(x, theta); forward gives z(S).

    `NeuralODE(model)` and `NeuralODE(problem)`, for what is stated, make a `StatedODE`; `NeuralODE(field)`, for any callable `f(z)`,
    `f(s, z)` or `f(s, z, x)`, makes a `FieldODE`. See there for their arguments; those of `Solver` may be given by name to both.
    Raises ModelError for anything else.
    """

    solver: Solver
    kinds: ClassVar[list[tuple[Accepts, type["NeuralODE"]]]] = []

    def __init_subclass__(cls, accepts: Accepts | None = None, **options: Any):
        super().__init_subclass__(**options)
        if accepts is not None:
            NeuralODE.kinds.append((accepts, cls))

    def __new__(cls, *arguments: Any, **options: Any) -> Self:
        return super().__new__(cast(Any, _kind(arguments[0] if arguments else None) if cls is NeuralODE else cls))

    @property
    def statistics(self) -> dict[str, Any]:
        """What the last solve took: method, steps, rejected steps, evaluations of the field, samples that failed; at first empty."""
        return {}


def _kind(model: Any) -> type[NeuralODE]:
    for accepts, kind in NeuralODE.kinds:
        if accepts(model):
            return kind
    raise ModelError(f"NeuralODE is made of a Model, a Problem or a field (a module or another callable), got {type(model).__name__}")

"""Which methods take steps on tensors, and what takes their steps."""

from odeanalysis.errors import ModelError, question
from odeanalysis.tableaus import METHODS, Tableau
from torchbridge.steps.derived import DerivedStepper
from torchbridge.steps.implicit import ImplicitStepper
from torchbridge.steps.opaque import Field, OpaqueStepper
from torchbridge.steps.opaque_implicit import OpaqueImplicitStepper

IMPLICIT = ("implicit", "diagonally implicit")
STEPPERS: dict[str, type[DerivedStepper] | type[ImplicitStepper]] = {
    "explicit": DerivedStepper,
    "rosenbrock": DerivedStepper,
    **dict.fromkeys(IMPLICIT, ImplicitStepper),
}


def on_tensors(name: str) -> Tableau:
    """The tableau of a method. Raises ModelError for a name that is none of ours: SciPy's methods take steps on arrays alone."""
    if name not in METHODS:
        raise ModelError(f"there is no method {name!r} on tensors; {question(name, METHODS)}take one of {', '.join(METHODS)}")
    return METHODS[name]


def of_field(tableau: Tableau, field: Field, batched: bool) -> OpaqueStepper | OpaqueImplicitStepper:
    """A method on a callable.  batched: whether the first axis of its blocks is that of samples.  Raises ModelError as the steppers do."""
    return OpaqueImplicitStepper(tableau, field, batched) if tableau.kind in IMPLICIT else OpaqueStepper(tableau, field)

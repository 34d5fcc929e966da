"""States that a transform derived from a field, and that another transform, which changes the field, would leave behind."""

from collections.abc import Callable

from odeanalysis.errors import ModelError
from odeanalysis.modeling.model import Model
from odeanalysis.modeling.transforms.flow import is_log_det
from odeanalysis.modeling.transforms.total_jacobian import is_jacobian
from odeanalysis.symbolic.nodes import Leaf

# what a state can be by its equations, with the transform that makes it that
DERIVED: dict[str, Callable[[Model, Leaf], bool]] = {"flow": is_log_det, "total_jacobian": is_jacobian}


def beforehand(model: Model, changed: Leaf, kind: str) -> str:
    """What to do about a state that was derived from the field, where a change does not fit its equation: "" where there is none."""
    found = ((state, maker) for state in model.states for maker, holds in DERIVED.items() if state != changed and holds(model, state))
    return next((f"{state.name!r} was derived from this field: apply {kind} before {maker}" for state, maker in found), "")


def kept(before: Model, after: Model, changed: Leaf, kind: str) -> Model:
    """The changed model. Raises ModelError where a derived state is not any more what it was derived as."""
    for state in before.states:
        for maker, holds in DERIVED.items():
            if state != changed and holds(before, state) and not holds(after, state):
                raise ModelError(
                    f"{kind} of {changed.name!r} in {before.name!r} changes the field from which {state.name!r} was derived; "
                    f"apply it before {maker}"
                )
    return after

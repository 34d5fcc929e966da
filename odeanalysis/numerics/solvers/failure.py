"""What a failed solve says: what happened, at which depth, in which component, and what to do."""

import numpy as np

from odeanalysis.errors import SolveError
from odeanalysis.numerics.solvers.stepper import Array
from odeanalysis.numerics.solvers.stiffness import METHODS_FOR_STIFF

EVENTS = {
    "start": (
        "the initial state is not finite",
        "check the initial expressions and the values they use",
    ),
    "field": (
        "the field is not finite",
        "end the domain before this depth, or check exponentials, logarithms, roots and quotients there",
    ),
    "state": (
        "a step ends in a state that is not finite",
        "end the domain before this depth, take more steps, or a method that controls its error",
    ),
    "overflow": (
        "the state overflows",
        "the solution grows beyond the largest number: end the domain before this depth, or state the model in a scaled state",
    ),
    "undefined": (
        "no step, however short, ends in a finite state",
        "end the domain before this depth, or check exponentials, logarithms, roots and quotients there",
    ),
    "vanished": (
        "the step size vanished",
        "the solution blows up, jumps or leaves the field's domain there: end the domain before this depth, "
        "or declare the jump as a break point",
    ),
    "steps": (
        "the end is not reached within max_steps",
        "loosen rtol and atol, raise max_steps, or take a method for stiff problems",
    ),
    "stiff": (
        "the end is not reached within max_steps, and the problem looks stiff",
        f"its steps are held by stability and not by rtol and atol: take a method for stiff problems, {METHODS_FOR_STIFF}",
    ),
}
HUGE = 1e150  # its square is about the largest number


def ending(before: Array, after: Array) -> str:
    """The event of EVENTS that ends a solve whose steps became too short, from the states [n] around its last trial step."""
    if np.abs(before).max() >= HUGE:
        return "overflow"
    return "vanished" if np.isfinite(after).all() else "undefined"


def failure(event: str, depth: float | complex, sample: int, values: Array, errors: Array, slopes: Array | None = None) -> SolveError:
    """The error for an event of EVENTS at a depth: from the values [n] to show, and what blames one: see `worst`."""
    component = worst(errors, slopes)
    what, remedy = EVENTS[event]
    place = f"at depth {_number(depth)}: component {component} of sample {sample} is {_number(values[component])}"
    return SolveError(f"{what} {place}; {remedy}", depth=float(np.real(depth)), sample=int(sample), component=component)


def worst(errors: Array, slopes: Array | None) -> int:
    """The component whose error [n] is not finite, the steepest [n] of these if several, else the largest error."""
    broken = ~np.isfinite(errors)
    if not broken.any():
        return int(np.abs(errors).argmax())
    steepness = np.zeros(len(errors)) if slopes is None else np.abs(slopes)
    return int(np.where(broken, np.where(np.isnan(steepness), np.inf, steepness), -1).argmax())


def _number(value: float | complex) -> str:
    return f"{value:.10g}" if np.iscomplexobj(value) else f"{float(np.real(value)):.10g}"

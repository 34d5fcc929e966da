"""What a failed solve says: what happened, at which depth, in which sample, and what to do."""

import torch

from odeanalysis.errors import SolveError
from odeanalysis.numerics.solvers.failure import EVENTS
from odeanalysis.numerics.solvers.grid import Grid
from odeanalysis.numerics.solvers.record import Schedule
from torchbridge.solvers.places import places
from torchbridge.solvers.states import finite
from torchbridge.solvers.waiting import Waiting
from torchbridge.steps.stepper import State, Stepper


def failure(event: str, depth: float, sample: int | None) -> SolveError:
    """The error for an event of `EVENTS`; sample: None where nobody can be blamed more than others."""
    what, remedy = EVENTS[event]
    who = "" if sample is None else f" of sample {sample}"
    return SolveError(f"{what} at depth {depth:.10g}{who}; {remedy}", depth=depth, sample=sample)


def ending(before: State, after: State, sample: int | None) -> str:
    """The event that ends a solve whose steps became too short, from the states around the last one that was tried."""
    known = [block if sample is None else block[sample] for block in before]
    if any(bool((block.abs() > 1e-4 * torch.finfo(block.dtype).max ** 0.5).any()) for block in known):
        return "overflow"
    reached = [block if sample is None else block[sample] for block in after]
    return "vanished" if all(bool(block.isfinite().all()) for block in reached) else "undefined"


def worst(errors: State, samples: int) -> int:
    """The sample whose errors are the largest, or not finite."""
    sizes = torch.stack([error.abs().reshape(samples, -1).amax(1) for error in errors]).amax(0)
    return int(torch.where(sizes.isnan(), torch.inf, sizes).argmax())


@torch.no_grad()
def located(stepper: Stepper, grid: Grid, schedule: Schedule, state: State, names: State, samples: int | None) -> SolveError:
    """The error for given steps that do not end in finite states: they are taken again, up to the first that does not.

    samples: how many the state holds; None where it holds one, without an axis.
    """
    states, count = Waiting(state, grid.segments), samples or 1
    broken, event, depth = ~finite(state, count), "start", torch.as_tensor(grid.nodes[:, 0])
    for k, place in enumerate(places(torch.as_tensor(grid.nodes, device=state[0].device), grid.pieces, schedule, state[0])):
        if broken.any():
            break
        states.advance(schedule, k, stepper.step(place, states.start, names).after)
        broken, event, depth = ~finite(states.start, count) | ~finite(states.ended, count), "state", place.depth
    sample = int(broken.int().argmax())
    return failure(event, float(depth.expand(count)[sample]), sample if samples else None)

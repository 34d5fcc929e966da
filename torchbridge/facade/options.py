"""The options of torchdiffeq, by its names and with its defaults."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from math import inf
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from odeanalysis.errors import ModelError
from odeanalysis.numerics.solvers.controller import Controller, Tolerance
from torchbridge.facade.border import Func, Given
from torchbridge.facade.methods import Method
from torchbridge.solvers.measure import Measure, Norm
from torchbridge.solvers.settings import Steps
from torchbridge.steps.interpolants import Hermite, Interpolation, chord
from torchbridge.steps.stepper import State

Number = float | Tensor
MOST_STEPS = 100_000
INTERPOLATIONS: dict[str, Interpolation] = {"linear": chord, "cubic": Hermite()}


@dataclass(frozen=True, kw_only=True, eq=False)
class Adaptive:
    """Options of methods that control their error."""

    first_step: Number | None = None
    safety: Number = 0.9
    ifactor: Number = 10.0
    dfactor: Number = 0.2
    min_step: Number = 0.0
    max_step: Number = inf
    max_num_steps: int = MOST_STEPS
    dtype: torch.dtype = torch.float64
    step_t: Tensor | None = None
    jump_t: Tensor | None = None
    norm: Callable[[Any], Any] | None = None

    def breaks(self) -> np.ndarray:
        """The times of `step_t` and `jump_t`, in their order. Raises ModelError for repeats."""
        found = np.concatenate([_times(name, getattr(self, name)) for name in ("step_t", "jump_t")])
        if len(np.unique(found)) < len(found):
            raise ModelError(f"step_t and jump_t have repeated times: {np.sort(found).tolist()}; give each once")
        return np.sort(found)

    def steps(self, given: Given, rtol: Any, atol: Any) -> Steps:
        """How a solve with these options chooses its steps."""
        if torch.promote_types(self.dtype, given.state[0].dtype.to_real()) != torch.float64:
            raise ModelError(f"dtype = {self.dtype} for times, which are kept in float64 here; leave the option out")
        longest = float(self.max_step)
        controller = Controller(
            float(self.safety), 1.0, 0.0, float(self.dfactor), float(self.ifactor), Controller.stretch if longest == inf else 0.0
        )
        return Steps(
            controller=controller,
            max_steps=int(self.max_num_steps),
            measure=Measure(_allowed("rtol", rtol, given), _allowed("atol", atol, given), _norm(self.norm, given)),
            first=None if self.first_step is None else float(self.first_step),
            shortest=float(self.min_step),
            longest=longest,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Fixed:
    """Options of methods whose steps are given. `norm` is accepted, and nothing is measured."""

    step_size: Number | None = None
    grid_constructor: Callable[[Func, Any, Tensor], Tensor] | None = None
    interp: str = "linear"
    perturb: bool = False
    norm: Any = None

    def __post_init__(self) -> None:
        if self.step_size is not None and self.grid_constructor is not None:
            raise ModelError("step_size and grid_constructor both say where steps end; give one of them")
        if self.step_size is not None and not 0 < float(self.step_size) < inf:
            raise ModelError(f"step_size = {float(self.step_size)}; give a positive number, also where t decreases")
        if self.interp not in INTERPOLATIONS:
            raise ModelError(f"interp = {self.interp!r}; take one of {', '.join(INTERPOLATIONS)}")

    @property
    def interpolation(self) -> Interpolation:
        return INTERPOLATIONS[self.interp]


Kind = TypeVar("Kind", Adaptive, Fixed)


def read(kind: type[Kind], method: Method, options: Mapping[str, Any] | None) -> Kind:
    """The options of a kind; those it does not know are told of and have no effect."""
    known = {field.name for field in fields(kind)}
    unknown = {name: value for name, value in (options or {}).items() if name not in known}
    if unknown:
        warnings.warn(
            f"{method.name}: unexpected options {', '.join(unknown)}, which have no effect; it takes {', '.join(sorted(known))}",
            stacklevel=4,
        )
    return kind(**{name: value for name, value in (options or {}).items() if name in known})


def _times(name: str, values: Any) -> np.ndarray:
    if values is None:
        return np.zeros(0)
    found = torch.as_tensor(values)
    if found.ndim != 1:
        raise ModelError(f"{name} has shape {tuple(found.shape)}; give one dimension")
    return found.detach().double().cpu().numpy()


def _allowed(name: str, value: Any, given: Given) -> list[float | Tensor]:
    """rtol or atol, one for each block: numbers, and tensors as large as (or broadcast against) the blocks."""
    if getattr(value, "requires_grad", False):
        raise ModelError(f"{name} requires a gradient, and steps have none in it; detach it")
    each = [value] * len(given.state) if given.single or not _is_iterable(value) else list(value)
    if len(each) != len(given.state):
        raise ModelError(
            f"{name} has {len(each)} entries for a state of {len(given.state)} tensors; give one number, or as many as there are"
        )
    return [_broadcast(name, one, block) for one, block in zip(each, given.state, strict=True)]


def _is_iterable(value: Any) -> bool:
    return value.ndim > 0 if isinstance(value, (Tensor, np.ndarray)) else isinstance(value, (tuple, list))


def _broadcast(name: str, value: Any, block: Tensor) -> float | Tensor:
    found = torch.as_tensor(value)
    Tolerance(found.detach().cpu().numpy(), 1.0)
    if found.ndim == 0:
        return float(found)
    if found.numel() == block.numel():
        found = found.reshape(block.shape)
    if torch.broadcast_shapes(found.shape, block.shape) != block.shape:
        raise ModelError(
            f"{name} has shape {tuple(found.shape)} beside a state of shape {tuple(block.shape)}; give a number, or that shape"
        )
    return found.to(block.device, block.dtype.to_real())


def _norm(norm: Callable[[Any], Any] | None, given: Given) -> Norm | None:
    """Of all blocks; by default the root mean square, of a tuple the largest of those of its tensors."""
    if norm is not None:
        return lambda blocks: norm(given.shown(blocks))
    return None if given.single else _largest


def _largest(blocks: State) -> Tensor:
    sizes = [block.abs().square().mean().sqrt() for block in blocks if block.numel()]
    return torch.stack(sizes).amax() if sizes else torch.zeros(())

"""Newton's method on tensors for the stages of implicit steps, down to rounding, for every sample of a batch.

    q_i = h f(s + c_i h, base_i + sum_j a_ij q_j),    q_i = h k_i

A sample stops by itself, by the rules of `odeanalysis` with the roundings of its own dtype, and stays as it is while others go on. The host
asks once in each iteration whether any is left.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from odeanalysis.numerics.solvers.newton import ITERATIONS, SIMPLIFIED, STALLED
from torchbridge.solvers.states import aligned

OfStage = Callable[[int, Tensor], Tensor]
"""(place of a stage in its group, its state [*B, n]) -> the field [*B, n] there, or its Jacobian [*B, n, n]."""


@dataclass(frozen=True, eq=False)
class Factors:
    """A batch of matrices [*B, N, N], factored once; NaN comes out where one is singular."""

    lu: Tensor
    pivots: Tensor
    singular: Tensor

    def solve(self, right: Tensor) -> Tensor:
        """x with matrix x = right: [*B, N]."""
        found = torch.linalg.lu_solve(self.lu, self.pivots, right.to(self.lu.dtype).unsqueeze(-1)).squeeze(-1)
        return torch.where(self.singular.unsqueeze(-1), torch.nan, found).to(right.dtype)


@torch.no_grad()
def factored(matrices: Tensor) -> Factors:
    """Half precision is factored in float32."""
    working = matrices.to(torch.promote_types(matrices.dtype, torch.float32))
    lu, pivots, info = torch.linalg.lu_factor_ex(working)
    return Factors(lu, pivots, info > 0)


@dataclass(frozen=True, eq=False)
class StageEquations:
    """The equations of m coupled stages: step, a number or [B], base [*B, m, n], weights a [m, m]."""

    slope: OfStage
    jacobian: OfStage
    step: Tensor
    base: Tensor
    weights: tuple[tuple[float, ...], ...]

    @property
    def matrix(self) -> Tensor:
        return _constant(self.weights, self.base.dtype, self.base.device)

    def states(self, q: Tensor) -> Tensor:
        """The stage states for q [*B, m, n]."""
        return self.base + self.matrix @ q

    def residual(self, q: Tensor) -> Tensor:
        """q - h f at the stages: [*B, m, n]."""
        x = self.states(q)
        slopes = torch.stack([self.slope(i, x[..., i, :]) for i in range(len(self.weights))], -2)
        return q - aligned(self.step, slopes) * slopes

    def change(self, factors: Factors, q: Tensor) -> Tensor:
        """Newton's correction, to be subtracted from q: [*B, m, n]."""
        return factors.solve(self.residual(q).flatten(-2)).reshape(q.shape)

    @torch.no_grad()
    def factors(self, q: Tensor) -> Factors:
        """Of the residual's Jacobian at q."""
        x = self.states(q)
        return self.factors_from(torch.stack([self.jacobian(i, x[..., i, :]) for i in range(len(self.weights))], -3))

    @torch.no_grad()
    def factors_from(self, jacobians: Tensor) -> Factors:
        """The same from the field's Jacobians at the stages, [*B, m, n, n]."""
        m, n = jacobians.shape[-3:-1]
        coupling = self.matrix[:, None, :, None] * jacobians.unsqueeze(-2)
        scaled = (aligned(self.step, coupling) * coupling).reshape(*jacobians.shape[:-3], m * n, m * n)
        return factored(torch.eye(m * n, dtype=scaled.dtype, device=scaled.device) - scaled)


@torch.no_grad()
def solve_stages(equations: StageEquations, guess: Tensor, factors: Factors) -> tuple[Tensor, int]:
    """The stages q [*B, m, n] from a guess and the factors at the step's start, and how many iterations it took.

    The stages of a sample where Newton's method does not get there are NaN.
    """
    eps, q = torch.finfo(guess.dtype).eps, guess
    before = torch.full_like(guess[..., 0, 0], torch.inf)
    todo = torch.ones_like(before, dtype=torch.bool)
    done, k = ~todo, 0
    for k in range(ITERATIONS):
        factors = factors if k < SIMPLIFIED else equations.factors(q)
        change = equations.change(factors, q)
        q = torch.where(todo[..., None, None], q - change, q)
        size, coarse = _compared(change, equations.base, equations.states(q))
        reached = size == 0
        if k:
            reached = reached | (size * (size / before).clamp_max(1) <= eps / 20)  # the next change, at the rate of this one
        if k > SIMPLIFIED:
            reached = reached | ((coarse <= eps**0.5 / 16) & (size >= STALLED * before))  # what is left is rounding
        done = done | (todo & reached)
        todo, before = todo & ~done & size.isfinite(), size
        if k and not bool(todo.any()):
            break
    return torch.where(done[..., None, None], q, torch.nan), k + 1


def linked(equations: StageEquations, q: Tensor, orders: int) -> Tensor:
    """Stages that solve their equations, with the derivatives that follow from these, up to an order.

    With M the residual's Jacobian at q, which does not move, each q - M^-1 r(q) adds one order; it moves q by roundings alone.
    """
    factors = equations.factors(q)
    for _ in range(orders):
        q = q - equations.change(factors, q)
    return q


def _compared(change: Tensor, base: Tensor, states: Tensor) -> tuple[Tensor, Tensor]:
    """The largest change beside its own component, and the largest beside the largest component: [*B] each."""
    kind = torch.finfo(change.dtype)
    own, moved = torch.maximum(base.abs(), states.abs()) + kind.tiny, change.abs()
    largest = own.amax((-2, -1))
    relative = moved / (own + kind.eps / 2 * largest[..., None, None])
    return relative.amax((-2, -1)), moved.amax((-2, -1)) / largest


@lru_cache(maxsize=256)
def _constant(weights: tuple[tuple[float, ...], ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """Weights as a tensor, which a device is given once; it may first be asked for in a solve that autograd never sees."""
    with torch.inference_mode(False):
        return torch.tensor(weights, dtype=dtype, device=device)

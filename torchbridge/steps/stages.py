"""The stages of an implicit step on tensors, group by group, and the estimate of its error.

q_i = h f(s + c_i h, z + sum_j a_ij q_j),    z1 = z + sum_i b_i q_i
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from odeanalysis.numerics.solvers.filtered_error import FilteredError
from odeanalysis.tableaus import Tableau
from torchbridge.solvers.states import aligned
from torchbridge.steps.newton import Factors, StageEquations, factored, linked, solve_stages

AtPoint = Callable[[Tensor, Tensor], Tensor]
"""(depth, state [*B, n]) -> the field there, [*B, n], or its Jacobian [*B, n, n]."""


ORDERS = 3  # of derivatives that autograd can ask for


@dataclass(eq=False)
class Stages:
    """The stages of one step: depth and step, numbers or [B], from y [*B, n].

    found: q, one [*B, n] for each stage.  evaluations: how often the field was evaluated for them.
    orders: up to which order they have derivatives, under autograd.
    """

    tableau: Tableau
    filtered: FilteredError | None
    field: AtPoint
    derivative: AtPoint
    depth: Tensor
    step: Tensor
    y: Tensor
    orders: int = ORDERS

    def __post_init__(self) -> None:
        self.found: list[Tensor] = []
        self.evaluations = 0
        self.factors: dict[tuple[tuple[float, ...], ...], Factors] = {}

    def solve(self, known: Sequence[Tensor] = ()) -> "Stages":
        """Finds them.  known: the stages as they were found before."""
        for group in self.tableau.groups:
            self.found += self._explicit(group[0]) if self._is_explicit(group) else self._implicit(group, known)
        return self

    @property
    def after(self) -> Tensor:
        """y + sum_i b_i q_i."""
        return self._moved(self.tableau.floats.b)

    @torch.no_grad()
    def error(self) -> Tensor | None:
        """The estimate of the step's local error, [*B, n]; None where the method has none."""
        filtered, numbers = self.filtered, self.tableau.floats
        if filtered is None:
            return None if numbers.b_error is None else self._sum(numbers.b_error)
        slope = self.field(self.depth, self.y)
        self.evaluations += 1
        jacobian, share = self.jacobian, filtered.gamma * self.step
        one = torch.eye(jacobian.shape[-1], dtype=jacobian.dtype, device=jacobian.device)
        return factored(one - aligned(share, jacobian) * jacobian).solve(aligned(share, slope) * slope + self._sum(filtered.weights))

    @cached_property
    @torch.no_grad()
    def jacobian(self) -> Tensor:
        """That of the field at the start of the step, [*B, n, n]."""
        return self.derivative(self.depth, self.y)

    def _is_explicit(self, group: tuple[int, ...]) -> bool:
        return len(group) == 1 and self.tableau.floats.a[group[0]][group[0]] == 0

    def _explicit(self, i: int) -> list[Tensor]:
        numbers = self.tableau.floats
        slope = self.field(self._depth(i), self._moved(numbers.a[i]))
        self.evaluations += 1
        return [aligned(self.step, slope) * slope]

    def _implicit(self, group: tuple[int, ...], known: Sequence[Tensor]) -> list[Tensor]:
        equations = self._equations(group)
        q = torch.stack([known[i] for i in group], -2) if known else self._newton(equations, group)
        return list((linked(equations, q, self.orders) if torch.is_grad_enabled() else q).unbind(-2))

    @torch.no_grad()
    def _newton(self, equations: StageEquations, group: tuple[int, ...]) -> Tensor:
        """From the implicit stage before the group, or from zero."""
        if equations.weights not in self.factors:
            self.factors[equations.weights] = equations.factors_from(torch.stack([self.jacobian] * len(group), -3))
        before = self.found and not self._is_explicit((group[0] - 1,))
        guess = torch.stack([self.found[-1]] * len(group), -2) if before else torch.zeros_like(equations.base)
        q, iterations = solve_stages(equations, guess, self.factors[equations.weights])
        self.evaluations += iterations * len(group)
        return q

    def _equations(self, group: tuple[int, ...]) -> StageEquations:
        rows = [self.tableau.floats.a[i] for i in group]
        base = torch.stack([self._moved(row[: len(self.found)]) for row in rows], -2)
        weights = tuple(tuple(row[j] for j in group) for row in rows)
        return StageEquations(
            lambda i, x: self.field(self._depth(group[i]), x),
            lambda i, x: self.derivative(self._depth(group[i]), x),
            self.step,
            base,
            weights,
        )

    def _depth(self, i: int) -> Tensor:
        return self.depth + self.tableau.floats.c[i] * self.step

    def _moved(self, weights: Sequence[float]) -> Tensor:
        """y + sum_j weights_j q_j over the stages that are known."""
        return self.y + self._sum(weights) if any(weights) else self.y

    def _sum(self, weights: Sequence[float]) -> Tensor:
        return torch.stack([weight * q for weight, q in zip(weights, self.found, strict=False) if weight]).sum(0)

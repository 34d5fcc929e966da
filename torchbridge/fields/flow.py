"""Flows with the logarithm of the volume that they span: d/ds log det D phi_s(x) = (div f)(s, phi_s(x)).

Source: Massaroli et al. 2020, Sec. 5.1; Liouville's formula; Hutchinson's estimate as in Grathwohl et al. 2018. For stated models
`odeanalysis.flow` derives the divergence by structure.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from odeanalysis.errors import ModelError
from torchbridge.fields import jacobian
from torchbridge.fields.noise import Noise
from torchbridge.modules.callables import Cost
from torchbridge.modules.field import FieldODE

DIVERGENCES = ("exact", "hutchinson")


class Divergence(nn.Module):
    """The divergence of a field as a running cost, exact or estimated: eps^T df/dz eps with the noise eps of one solve."""

    derives = True

    def __init__(self, divergence: str = "exact", noise: Noise | None = None):
        super().__init__()
        if divergence not in DIVERGENCES:
            raise ModelError(f"divergence is {divergence!r}; give {' or '.join(map(repr, DIVERGENCES))}")
        self.divergence, self.noise = divergence, noise or Noise()

    def drawn(self, z: Tensor) -> Cost:
        """The function of one solve, whose noise does not change."""
        return self.forward if self.divergence == "exact" else partial(_estimate, noise=self.noise.draw(z))

    def forward(self, s: Tensor, z: Tensor, x: Tensor | None, f: Tensor) -> Tensor:
        """The exact divergence, [B]."""
        return jacobian.divergence(z, f)

    def extra_repr(self) -> str:
        return self.divergence if self.divergence == "exact" else f"{self.divergence}, {self.noise}"


def _estimate(s: Tensor, z: Tensor, x: Tensor | None, f: Tensor, noise: Tensor) -> Tensor:
    return jacobian.estimated_divergence(z, f, noise)


class Flow(FieldODE):
    """A neural ODE that gives its state and the logarithm of its Jacobian's determinant, [B]: (phi(z), log det D phi(z)).

    field, domain, running and further options: as for `FieldODE`; D phi is the derivative in z alone, the data x held.
    divergence: "exact", by as many vector-Jacobian products as a sample has numbers, or "hutchinson", by one, whose mean over the noise is
    the exact one.  noise: "rademacher", "gaussian", or a function of the state that gives noise of its shape; it is drawn once for a
    solve, and held from its first step to its last gradient.  generator: of the noise; None is torch's own.
    The samples of a batch must not see each other in the field, as they do in batch normalisation.
    Raises ModelError for other words, and as `FieldODE` does.
    """

    def __init__(
        self,
        field: nn.Module | Callable[..., Tensor],
        *,
        divergence: str = "exact",
        noise: str | Callable[[Tensor], Tensor] = "rademacher",
        generator: torch.Generator | None = None,
        **options: Any,
    ):
        super().__init__(field, **options)
        self.divergence = Divergence(divergence, Noise(noise, generator))

    @property
    def costs(self) -> tuple[Callable[..., Tensor], ...]:
        return (self.divergence, *super().costs)

    def inverse(self, z: Tensor, x: Tensor | None = None) -> tuple[Tensor, ...]:
        """The state at s0 that flows to z at S, and log det D phi^{-1}(z): a solve from S to s0. Raises ModelError for adaptive depths."""
        if callable(self.start) or callable(self.end):
            raise ModelError("the inverse of a flow whose depth depends on its first state; give a domain of numbers or tensors")
        found = self._solved(z, x, None, (self.end, self.start))
        assert isinstance(found, tuple)
        return found

"""Costs on the field itself, which keep solutions easy to solve for: kinetic |f|^2 + jacobian |df/dz|_F^2 + term.

Source: Massaroli et al. 2020, Sec. 6; Finlay et al. 2020.
"""

import warnings
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from odeanalysis.errors import ModelError
from torchbridge.fields import jacobian
from torchbridge.fields.noise import Noise
from torchbridge.modules.callables import Cost, drawn
from torchbridge.steps.segments import current

MEASURES = ("signed", "absolute")
Weight = float | Tensor


class Regularizer(nn.Module):
    """A running cost, `NeuralODE(field, running=Regularizer(kinetic=0.01))`, whose integral is given beside the state.

        kinetic |f|^2 + jacobian |df/dz|_F^2 + term        with noise:  |eps^T df/dz|^2 in place of |df/dz|_F^2, which is its mean

    kinetic, jacobian: weights, numbers or tensors (parameters are registered).  term: a running cost of any form, l(z) to l(s, z, x, f).
    noise: None is exact, by as many vector-Jacobian products as a sample has numbers; else "rademacher", "gaussian" or a function of the
    state, drawn once for a solve, by one product.  generator: of the noise; None is torch's own.
    measure: "signed" for int ds, "absolute" for int abs(ds), which penalises also where a domain runs backward; there the signed one warns,
    since it would reward speed.
    Raises ModelError where there is no weight and no term, for noise without a weight for the Jacobian, and for other measures.
    """

    def __init__(
        self,
        *,
        kinetic: Weight = 0.0,
        jacobian: Weight = 0.0,
        term: Callable[..., Tensor] | None = None,
        noise: str | Callable[[Tensor], Tensor] | None = None,
        generator: torch.Generator | None = None,
        measure: str = "signed",
    ):
        super().__init__()
        _check(kinetic, jacobian, term, noise, measure)
        self.kinetic, self.jacobian, self.term, self.measure = kinetic, jacobian, term, measure
        self.noise = None if noise is None else Noise(noise, generator)
        self.derives = _present(jacobian) or getattr(term, "derives", False)

    def drawn(self, z: Tensor) -> Cost:
        """The function of one solve, whose noise does not change."""
        noise = None if self.noise is None else self.noise.draw(z)
        return partial(self._cost, noise=noise, term=None if self.term is None else drawn(self.term, z))

    def forward(self, s: Tensor, z: Tensor, x: Tensor | None, f: Tensor) -> Tensor:
        """The cost of one evaluation, [B], with noise of its own."""
        return self.drawn(z)(s, z, x, f)

    def extra_repr(self) -> str:
        return f"kinetic={self.kinetic}, jacobian={self.jacobian}, noise={self.noise}, measure={self.measure!r}"

    def _cost(self, s: Tensor, z: Tensor, x: Tensor | None, f: Tensor, noise: Tensor | None, term: Cost | None) -> Tensor:
        parts = [] if term is None else [term(s, z, x, f)]
        if _present(self.kinetic):
            parts.append(self.kinetic * jacobian.per_sample(f.square()))
        if _present(self.jacobian):
            norm = jacobian.squared_norm(z, f) if noise is None else jacobian.estimated_squared_norm(z, f, noise)
            parts.append(self.jacobian * norm)
        return self._measured(sum(parts[1:], parts[0]))

    def _measured(self, value: Tensor) -> Tensor:
        segment = current()
        if segment is None:
            return value
        if self.measure == "absolute":
            sign = torch.as_tensor(segment.direction).to(value)
            return value * (sign if len(sign) > 1 else sign[0])
        if (segment.direction < 0).any():
            warnings.warn(
                "a Regularizer is integrated over a domain that runs backward, and integrals are signed: it rewards speed instead of "
                'limiting it; give measure="absolute", or reverse the domain',
                stacklevel=2,
            )
        return value


def _present(weight: Weight) -> bool:
    return isinstance(weight, Tensor) or weight != 0


def _check(kinetic: Weight, jacobian: Weight, term: object, noise: object, measure: str) -> None:
    if measure not in MEASURES:
        raise ModelError(f"measure is {measure!r}; give {' or '.join(map(repr, MEASURES))}")
    if not _present(kinetic) and not _present(jacobian) and term is None:
        raise ModelError("a Regularizer has no weight and no term; give kinetic, jacobian or term")
    if noise is not None and not _present(jacobian):
        raise ModelError("a Regularizer has noise, but no weight for the Jacobian that it would estimate; give jacobian")

"""Depths of every sample's own: S = s0 + g(z(s0)), which may be negative.

Source: Massaroli et al. 2020, Sec. 5.2.
"""

from collections.abc import Callable

from torch import Tensor, nn

from odeanalysis.errors import ModelError


class AdaptiveDepth(nn.Module):
    """z -> s0 + g(z), [B]: the end of the domain of a neural ODE, `NeuralODE(field, domain=(s0, AdaptiveDepth(g, s0)))`.

        dell/domega = (l(S) + a(S)^T f(S)) dg/domega

    length: g, a module or another callable that gives [B] or [B, 1]; where it is negative the path runs backward from s0, and a running
    cost is its signed integral (`Regularizer` with the measure "absolute" penalises there).  start: s0.
    Raises ModelError, when called, for lengths of another shape.
    """

    def __init__(self, length: Callable[[Tensor], Tensor], start: float = 0.0):
        super().__init__()
        self.length, self.start = length, start

    def forward(self, z: Tensor) -> Tensor:
        found = self.length(z)
        if found.shape not in ((len(z),), (len(z), 1)):
            raise ModelError(f"the length of AdaptiveDepth has shape {tuple(found.shape)} for {len(z)} samples; give [B] or [B, 1]")
        return self.start + found.reshape(-1)

    def extra_repr(self) -> str:
        return f"start={self.start}"

"""Noise for Hutchinson's estimates: entries with mean 0 and variance 1, independent of each other.

E[eps^T J eps] = tr J,   E|eps^T J|^2 = |J|_F^2
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from odeanalysis.errors import ModelError

Draw = Callable[[Tensor, torch.Generator | None], Tensor]


def rademacher(like: Tensor, generator: torch.Generator | None) -> Tensor:
    """-1 or 1: of all noises the one whose estimate of a trace varies least."""
    return 2 * torch.empty_like(like).bernoulli_(0.5, generator=generator) - 1


def gaussian(like: Tensor, generator: torch.Generator | None) -> Tensor:
    """Normal numbers."""
    return torch.empty_like(like).normal_(generator=generator)


NOISES: dict[str, Draw] = {"rademacher": rademacher, "gaussian": gaussian}


@dataclass(frozen=True)
class Noise:
    """kind: "rademacher" or "gaussian", or a function of a state that gives noise of its shape.  generator: None is torch's own.

    Raises ModelError for another kind, and for a function that gives another shape.
    """

    kind: str | Callable[[Tensor], Tensor] = "rademacher"
    generator: torch.Generator | None = None

    def __post_init__(self) -> None:
        if not callable(self.kind) and self.kind not in NOISES:
            raise ModelError(f"noise is {self.kind!r}; give {' or '.join(map(repr, NOISES))}, or a function of the state")

    def draw(self, z: Tensor) -> Tensor:
        """Noise of the shape of a state, drawn on the generator's device."""
        like = z.detach()
        if not callable(self.kind):
            device = like.device if self.generator is None else self.generator.device
            return NOISES[self.kind](like.to(device), self.generator).to(like.device)
        found = self.kind(like)
        if found.shape != like.shape:
            raise ModelError(f"the noise has shape {tuple(found.shape)}, the state {tuple(like.shape)}; give noise like the state")
        return found.to(like)

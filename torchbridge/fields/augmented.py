"""More coordinates than the data have: z(s0) = h(x) with h into a larger space, and the way back.

Source: Massaroli et al. 2020, Sec. 4, eq. (4); Dupont et al. 2019 for h(x) = [x, 0].
"""

import torch
from torch import Tensor, nn

from odeanalysis.errors import ModelError
from torchbridge.fields.wrapped import joined


class Augmented(nn.Module):
    """x -> z(s0) = [x, 0], or [x, xi(x)]: what stands before a neural ODE of more features (channels) than the data have.

    added: the number of zeros, or the module xi. An input layer z(s0) = h(x) is any module with more outputs; `input_layer` makes one that
    starts as [x, 0]. x stands in the first features at s0 only; nothing keeps it there along the flow.
    Raises ModelError for a number below 0, and, when called, for xi(x) that does not fit beside x.
    """

    def __init__(self, added: int | nn.Module):
        super().__init__()
        if not isinstance(added, nn.Module) and (isinstance(added, bool) or not isinstance(added, int) or added < 0):
            raise ModelError(f"Augmented adds {added!r}; give a number of zeros of 0 or more, or a module xi that maps x to what is added")
        self.added = added

    def forward(self, x: Tensor) -> Tensor:
        if isinstance(self.added, nn.Module):
            return joined("Augmented", x, self.added(x))
        return joined("Augmented", x, x.new_zeros(len(x), self.added, *x.shape[2:]))

    def extra_repr(self) -> str:
        return "" if isinstance(self.added, nn.Module) else str(self.added)


class Projected(nn.Module):
    """z -> its first features: the inverse of `Augmented` on what that gives, and a read-out behind a neural ODE.

    size: their number. Raises ModelError for a number below 1, and, when called, for a state with fewer features.
    """

    def __init__(self, size: int):
        super().__init__()
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise ModelError(f"Projected keeps {size!r} features; give a number of 1 or more")
        self.size = size

    def forward(self, z: Tensor) -> Tensor:
        if z.ndim < 2 or z.shape[1] < self.size:
            raise ModelError(
                f"Projected keeps {self.size} features of a state of shape {tuple(z.shape)}; give [B, n, ...] with n at least that"
            )
        return z[:, : self.size]

    def extra_repr(self) -> str:
        return str(self.size)


def input_layer(size: int, added: int) -> nn.Linear:
    """A linear input layer z(s0) = W x + c that starts as 0-augmentation: W = [I; 0], c = 0.

    size: the length of x.  added: how many coordinates more z has.  Raises ModelError for numbers below 1 and 0.
    """
    if size < 1 or added < 0:
        raise ModelError(f"input_layer of size {size} with {added} added coordinates; give 1 or more, and 0 or more")
    layer = nn.Linear(size, size + added)
    with torch.no_grad():
        layer.weight.copy_(torch.eye(size + added, size))
        layer.bias.zero_()
    return layer

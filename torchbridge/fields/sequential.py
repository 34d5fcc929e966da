"""Layers one after the other, of which some take depth or data."""

from torch import Tensor, nn

from torchbridge.fields.wrapped import arguments
from torchbridge.modules.callables import arity


class Sequential(nn.Module):
    """f = l_n(... l_2(l_1)): each layer is l(z), l(s, z) or l(s, z, x); `nn.Sequential` hands depth and data to none.

    layers: modules, such as `nn.Linear(2, 8)`, `nn.Tanh()`, `Galerkin(nn.Linear(8, 2), basis)`.
    Raises ModelError for a layer that takes other arguments.
    """

    def __init__(self, *layers: nn.Module):
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.arities = tuple(arity(layer, "a layer") for layer in layers)
        self.takes_data = 3 in self.arities

    def forward(self, s: Tensor, z: Tensor, x: Tensor | None = None) -> Tensor:
        for count, layer in zip(self.arities, self.layers, strict=True):
            z = layer(*arguments(count, s, z, x))
        return z

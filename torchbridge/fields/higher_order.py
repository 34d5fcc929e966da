"""Fields that state a higher derivative: d^n z/ds^n = f, as a system of n blocks of first order.

Source: Massaroli et al. 2020, Sec. 4, eq. (5)-(7), where (7) repeats an argument.
"""

from typing import Any

import torch
from torch import Tensor

from odeanalysis.errors import ModelError
from torchbridge.fields.wrapped import Wrapped


class HigherOrder(Wrapped):
    """z = [q, v_1, ..., v_{n-1}]:   q' = v_1,   v_1' = v_2,   ...,   v_{n-1}' = f(s, z), of blocks that share the features (channels).

    field: gives [B, m, ...], where m is the number of features of q; it sees the whole state.  order: n, 2 or more.
    selected: how many of the features of q, the first ones, have derivatives (default: all); the rest e stays of first order:

        q = [p, e],   p' = v_1,   v_1' = f_p,   e' = f_e

    velocity_first: the blocks stand in the state from the highest derivative down to q, so that `Augmented` starts the highest one at the
    data, in place of the position, and all others at 0. The field sees the state as it is.
    Raises ModelError for a low order, a count below 0, and, when called, for states and fields whose features do not divide so.
    """

    def __init__(self, field: Any, order: int = 2, *, selected: int | None = None, velocity_first: bool = False):
        super().__init__(field)
        if order < 2 or (selected is not None and selected < 0):
            raise ModelError(f"HigherOrder of order {order} with {selected} selected features; give 2 or more, and 0 or more (None: all)")
        self.order, self.selected, self.velocity_first = order, selected, velocity_first

    def blocks(self, z: Tensor) -> tuple[Tensor, ...]:
        """q, v_1, ..., v_{n-1} of a state."""
        sizes = self._sizes(z)
        if not self.velocity_first:
            return z.split(sizes, 1)
        return z.split(sizes[::-1], 1)[::-1]

    def forward(self, s: Tensor, z: Tensor, x: Tensor | None = None) -> Tensor:
        position, *derivatives = self.blocks(z)
        slope = self.inner(s, z, x)
        if slope.shape != position.shape:
            raise ModelError(
                f"the field of HigherOrder gives shape {tuple(slope.shape)}, the position has {tuple(position.shape)} of the state's "
                f"{tuple(z.shape)}; give the highest derivative of the position alone"
            )
        count = derivatives[0].shape[1]
        moved = [derivatives[0], slope[:, count:]], *([one] for one in derivatives[1:]), [slope[:, :count]]
        return torch.cat([part for block in (moved[::-1] if self.velocity_first else moved) for part in block], 1)

    def extra_repr(self) -> str:
        return f"order={self.order}, selected={self.selected}, velocity_first={self.velocity_first}"

    def _sizes(self, z: Tensor) -> list[int]:
        features, lower = z.shape[1] if z.ndim > 1 else 0, self.order - 1
        count = features // self.order if self.selected is None else self.selected
        position = features - lower * count
        if not features or position < count or (self.selected is None and position != count):
            blocks = f"{self.order} equal blocks" if self.selected is None else f"a position of {count} or more and {lower} times {count}"
            raise ModelError(
                f"HigherOrder has a state of shape {tuple(z.shape)}, whose features do not divide into {blocks}; change their number"
            )
        return [position, *[count] * lower]

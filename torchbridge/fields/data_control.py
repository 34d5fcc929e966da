"""A field that sees the data: z' = f(s, [z, x]).

Source: Massaroli et al. 2020, Sec. 5.1, eq. (10).
"""

from typing import Any

from torch import Tensor

from torchbridge.fields.wrapped import Wrapped, joined


class DataControl(Wrapped):
    """z' = f(s, [z, x]): the data join the state as its last features, or as the last channels of an image.

    field: takes states [B, n + m, ...]; data are [B, m, ...]. A gradient reaches the data, and whatever they were computed from: an
    embedding is applied before, `ode(z, embedding(x))`, once for a solve.
    Raises ModelError, when called, for data that do not fit beside the state.
    """

    def __init__(self, field: Any):
        super().__init__(field)
        self.takes_data = True

    def forward(self, s: Tensor, z: Tensor, x: Tensor) -> Tensor:
        return self.inner(s, joined("DataControl", z, x), x)

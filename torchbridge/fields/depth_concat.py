"""The depth as one more feature of a field."""

from torch import Tensor

from torchbridge.fields.wrapped import Wrapped, joined


class DepthConcat(Wrapped):
    """z' = f([z, s]): the depth joins the state as its last feature, or as the last channel of an image.

    field: takes states [B, n + 1, ...]. Several in one network are layers of `Sequential`.
    Raises ModelError, when called, for a state without features.
    """

    def forward(self, s: Tensor, z: Tensor, x: Tensor | None = None) -> Tensor:
        depth = s.reshape(-1, *(1,) * (z.ndim - 1)).to(z).expand(len(z), 1, *z.shape[2:])
        return self.inner(s, joined("DepthConcat", z, depth), x)

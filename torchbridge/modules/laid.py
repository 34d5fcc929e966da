"""The path of a field's solve: its ends, break points and the depths that are asked for, in the order in which they are met."""

from dataclasses import dataclass

import torch
from torch import Tensor

from odeanalysis.errors import ModelError


@dataclass(frozen=True, eq=False)
class Laid:
    """nodes: [S, K+1], S = 1 where all samples have one path.  wanted: the nodes of the depths that are asked for, [S, m]."""

    nodes: Tensor
    wanted: Tensor

    def seen(self, block: Tensor) -> Tensor:
        """A block at the nodes, [K+1, B, ...], at the depths that are asked for: [m, B, ...]."""
        if len(self.wanted) == 1:
            return block[self.wanted[0]]
        return block[self.wanted.T, torch.arange(len(self.wanted), device=block.device)]


def laid(start: Tensor, end: Tensor, fixed: Tensor, moving: Tensor, at: Tensor) -> Laid:
    """Ends, numbers or [B] each, break points [b] that are fixed or move, and depths [m], or [B, m] of every sample's own.

    Break points outside all domains are left out; one that is outside a sample's own stands at its near end, and moves with that.
    Raises ModelError for a depth outside a sample's domain, and for a break point that moves and stands on another node, where it has two
    one-sided derivatives.
    """
    if start.ndim > 1 or end.ndim > 1 or at.ndim not in (1, 2):
        raise ModelError(
            f"ends have shapes {tuple(start.shape)} and {tuple(end.shape)}, depths {tuple(at.shape)}; give [] or [B], and [m] or [B, m]"
        )
    start, end = (one.expand(_samples(start, end, at)) for one in (start, end))
    ends = torch.minimum(start, end), torch.maximum(start, end)
    low, high = (one.detach() for one in ends)
    breaks = _inside(torch.cat([fixed, moving]), low, high)
    _check_apart(moving, torch.cat([start, end, fixed, at.flatten()]).detach())
    inner = torch.clamp(breaks, *(one[:, None] for one in ends))
    row = torch.cat([start[:, None], inner, at.expand(len(start), -1), end[:, None]], 1)
    _check_inside(at, low, high)
    along = torch.where(end >= start, 1.0, -1.0)[:, None] * (row - start[:, None]).detach()
    order = torch.argsort(along, dim=1, stable=True)
    places = torch.argsort(order, dim=1)
    return Laid(row.gather(1, order), places[:, 1 + len(breaks) : 1 + len(breaks) + at.shape[-1]])


def _samples(start: Tensor, end: Tensor, at: Tensor) -> int:
    """How many paths there are."""
    lengths = {len(one) for one, rank in ((start, 0), (end, 0), (at, 1)) if one.ndim > rank} - {1}
    if len(lengths) > 1:
        raise ModelError(
            f"ends and depths are those of {' and of '.join(map(str, sorted(lengths)))} samples; give one for all, or for each"
        )
    return lengths.pop() if lengths else 1


def _inside(breaks: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """The break points inside a sample's domain, of any sample."""
    depths = breaks.detach()
    return breaks[((depths > low[:, None]) & (depths < high[:, None])).any(0)]


def _check_apart(moving: Tensor, others: Tensor) -> None:
    depths = moving.detach()
    same = (depths[:, None] == others).any(1) | ((depths[:, None] == depths).sum(1) > 1)
    if same.any():
        depth = float(depths[same.nonzero()[0, 0]])
        raise ModelError(
            f"a break point that moves stands at {depth}, on an end of the domain, on a depth that is asked for or on another break point: "
            "its derivative from the left is not the one from the right; move it a little, or let it not require a gradient"
        )


def _check_inside(at: Tensor, low: Tensor, high: Tensor) -> None:
    outside = (at < low[:, None]) | (at > high[:, None])
    if outside.any():
        sample, place = (int(one) for one in outside.nonzero()[0])
        depth, ends = at.expand(len(low), -1)[sample, place], [float(low[sample]), float(high[sample])]
        raise ModelError(f"depth {float(depth)} lies outside the domain {ends}; ask for depths in it")

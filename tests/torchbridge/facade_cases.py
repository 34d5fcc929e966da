"""Problems, references and libraries that the tests of the facade share.

`torchdiffeq` is compared with where it is installed (the extra `bench`); closed forms and steps taken by hand are always there.
"""

import math
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

import torchbridge

ADAPTIVE = ("dopri5", "dopri8", "tsit5", "bosh3", "fehlberg2", "adaptive_heun")
FIXED = ("euler", "midpoint", "heun2", "heun3", "rk4")
DOUBLE = torch.float64
OURS = {"odeint": torchbridge.odeint, "odeint_adjoint": torchbridge.odeint_adjoint}
PEERS = {"torchdiffeq": import_module("torchdiffeq")} if find_spec("torchdiffeq") else {}


def double(*values: Any, grad: bool = False) -> Any:
    found = [torch.tensor(value, dtype=DOUBLE, requires_grad=grad) for value in values]
    return found[0] if len(found) == 1 else found


class Line(nn.Module):
    """y' = a + (y - a t - b)^5, with y = a t + b."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Parameter(double(0.2)), nn.Parameter(double(3.0))

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        return self.a + (y - self.exact(t)) ** 5

    def exact(self, t: Tensor) -> Tensor:
        return self.a * t + self.b


class Waves(nn.Module):
    """y' = 2 y / t + t^4 sin(2 t) - t^2 + 4 t^3, for t > 0."""

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        return 2 * y / t + t**2 * (t**2 * torch.sin(2 * t) + 4 * t - 1)

    def exact(self, t: Tensor) -> Tensor:
        waves = t * torch.sin(2 * t) / 2 - t**2 * torch.cos(2 * t) / 2 + torch.cos(2 * t) / 4
        return t**2 * (waves + 2 * t**2 - t + math.pi - 0.25)


class Rotation(nn.Module):
    """y' = A y with a skew A: y(t) = exp(A (t - 1)) y(1)."""

    def __init__(self) -> None:
        super().__init__()
        low = torch.randn(6, 6, dtype=DOUBLE, generator=torch.Generator().manual_seed(0)) / 4
        self.A = nn.Parameter(low - low.T)

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        return self.A @ y

    def exact(self, t: Tensor) -> Tensor:
        return torch.stack([torch.linalg.matrix_exp(self.A * (s - 1)) @ torch.ones(6, dtype=self.A.dtype) for s in t])


class Decay(nn.Module):
    """y' = -k y cos(t), whose solution y0 exp(-k (sin t - sin t0)) is known with all its derivatives."""

    def __init__(self, k: float = 0.7) -> None:
        super().__init__()
        self.k = nn.Parameter(double(k))

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        return -self.k * y * torch.cos(t)

    def exact(self, y0: Tensor, t: Tensor) -> Tensor:
        share = torch.exp(-self.k * (torch.sin(t) - torch.sin(t[0])))
        return share.reshape(-1, *(1,) * y0.ndim) * y0


class Spiral(nn.Module):
    """The network of the well-known demonstration: y' = W2 tanh(W1 y^3 + b1) + b2."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, width), nn.Tanh(), nn.Linear(width, 2))
        generator = torch.Generator().manual_seed(1)
        for parameter in self.parameters():
            nn.init.normal_(parameter, 0, 0.4, generator)

    def forward(self, t: Tensor, y: Tensor) -> Tensor:
        return self.net(y**3)


PROBLEMS: dict[str, Any] = {"line": Line, "waves": Waves, "rotation": Rotation}

Increment = Callable[[Callable[..., Tensor], Tensor, Tensor, Tensor], Tensor]


def _euler(f, t, h, y):
    return h * f(t, y)


def _midpoint(f, t, h, y):
    return h * f(t + h / 2, y + h / 2 * f(t, y))


def _trapezoid(f, t, h, y):
    k = f(t, y)
    return h / 2 * (k + f(t + h, y + h * k))


def _heun3(f, t, h, y):
    k = f(t, y)
    middle = f(t + h / 3, y + h / 3 * k)
    return h / 4 * (k + 3 * f(t + 2 * h / 3, y + 2 * h / 3 * middle))


def _three_eighths(f, t, h, y):
    k1 = f(t, y)
    k2 = f(t + h / 3, y + h / 3 * k1)
    k3 = f(t + 2 * h / 3, y + h * (k2 - k1 / 3))
    k4 = f(t + h, y + h * (k1 - k2 + k3))
    return h / 8 * (k1 + 3 * k2 + 3 * k3 + k4)


INCREMENTS: dict[str, Increment] = {"euler": _euler, "midpoint": _midpoint, "heun2": _trapezoid, "heun3": _heun3, "rk4": _three_eighths}


def by_hand(f: Callable[..., Tensor], y0: Tensor, t: Tensor, *, method: str, options: dict[str, Any]) -> Tensor:
    """What a method whose steps are given gives, step by step in plain operations: steps of a size, and a line or a cubic between them."""
    size, length = options.get("step_size"), float((t[-1] - t[0]).detach())
    way = math.copysign(1, length)
    ticks = list(t) if size is None else [t[0] + way * size * i for i in range(math.ceil(way * length / size - 1e-9))] + [t[-1]]
    found, y, j = [y0], y0, 1
    for start, end in pairwise(ticks):
        after = y + INCREMENTS[method](f, start, end - start, y)
        while j < len(t) and way * float((end - t[j]).detach()) >= 0:
            x, h = (t[j] - start) / (end - start), end - start
            line = (1 - x) * y + x * after
            k, then = f(start, y), f(end, after)
            bent = line + x * (1 - x) * ((1 - x) * (h * k - after + y) - x * (h * then - after + y))
            found.append(bent if options.get("interp") == "cubic" else line)
            j += 1
        y = after
    return torch.stack(found)


REFERENCES: dict[str, Callable[..., Tensor]] = {"by hand": by_hand, **{name: peer.odeint for name, peer in PEERS.items()}}

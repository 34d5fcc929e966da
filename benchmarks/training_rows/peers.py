"""Other libraries' rows, where they are installed: torchdiffeq, and diffrax on JAX; each as its users would write it, tuned."""

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any, ClassVar

import numpy as np
import torch

from benchmarks.training_rows.problem import SHAPES, Weights, data, weights

TOLERANCE = 1e-4
Row = Callable[[], Weights]


def rows(harmonics: int, method: Mapping[str, object]) -> dict[str, Row]:
    found: dict[str, Row] = {}
    if find_spec("torchdiffeq"):
        found |= {"torchdiffeq odeint": _torchdiffeq(harmonics, method, "odeint")}
        found |= {"torchdiffeq odeint_adjoint": _torchdiffeq(harmonics, method, "odeint_adjoint")}
    if find_spec("diffrax"):
        found |= {"diffrax, checkpointed": _diffrax(harmonics, method, "RecursiveCheckpointAdjoint")}
        found |= {"JAX, scan by hand": _scan(harmonics, 20)} if "steps" in method else {}
    return found


def functions(count: int, s: Any, sin: Callable[[Any], Any], cos: Callable[[Any], Any]) -> list[Any]:
    """1, cos 2 pi s, sin 2 pi s, cos 4 pi s, ...: `count` harmonics."""
    waves = [(cos(2 * np.pi * k * s), sin(2 * np.pi * k * s)) for k in range(1, count + 1)]
    return [1.0, *(part for pair in waves for part in pair)]


# ---------------------------------------------------------------- torchdiffeq


class Field(torch.nn.Module):
    """The network in torch, with weights that may depend on depth."""

    def __init__(self, harmonics: int):
        super().__init__()
        self.harmonics = harmonics
        for name, value in weights(harmonics).items():
            self.register_parameter(name, torch.nn.Parameter(torch.tensor(value)))

    def forward(self, s: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        w = {name: getattr(self, name) for name in SHAPES}
        if self.harmonics:
            psi = torch.stack([torch.as_tensor(p, dtype=z.dtype) for p in functions(self.harmonics, s, torch.sin, torch.cos)])
            w = {name: torch.tensordot(psi, value, 1) for name, value in w.items()}
        first = torch.tanh(torch.nn.functional.linear(z, w["W1"], w["b1"]))
        return torch.nn.functional.linear(torch.tanh(torch.nn.functional.linear(first, w["W2"], w["b2"])), w["W3"], w["b3"])


def _torchdiffeq(harmonics: int, method: Mapping[str, object], interface: str) -> Row:
    call = getattr(import_module("torchdiffeq"), interface)
    field, x, ends = Field(harmonics), data(), torch.tensor([0.0, 1.0])
    options: dict[str, Any] = {"method": "dopri5", "rtol": TOLERANCE, "atol": TOLERANCE}
    if "steps" in method:
        options = {"method": "rk4", "options": {"step_size": 1 / 20}}

    def run() -> Weights:
        field.zero_grad()
        call(field, x, ends, **options)[-1].square().sum(1).mean().backward()
        return {name: one.grad.numpy() for name, one in field.named_parameters() if one.grad is not None}

    return run


# ---------------------------------------------------------------- JAX


def _network(harmonics: int) -> Callable[[Any, Any, Any], Any]:
    jnp = import_module("jax.numpy")

    def field(s: Any, z: Any, w: Any) -> Any:
        if harmonics:
            psi = jnp.stack([jnp.asarray(p, z.dtype) for p in functions(harmonics, s, jnp.sin, jnp.cos)])
            w = {name: jnp.tensordot(psi, value, 1) for name, value in w.items()}
        first = jnp.tanh(z @ w["W1"].T + w["b1"])
        return jnp.tanh(first @ w["W2"].T + w["b2"]) @ w["W3"].T + w["b3"]

    return field


def _gradient(loss: Callable[[Any, Any], Any], harmonics: int) -> Row:
    jax = import_module("jax")
    x, w = jax.numpy.asarray(data().numpy()), {name: jax.numpy.asarray(value) for name, value in weights(harmonics).items()}
    step = jax.jit(jax.value_and_grad(loss))
    return lambda: {name: np.asarray(one) for name, one in jax.block_until_ready(step(w, x))[1].items()}


def _scan(harmonics: int, steps: int) -> Row:
    jax, field, h = import_module("jax"), _network(harmonics), 1 / steps

    def loss(w: Any, x: Any) -> Any:
        def step(z: Any, s: Any) -> tuple[Any, None]:
            k1 = field(s, z, w)
            k2 = field(s + h / 2, z + h / 2 * k1, w)
            k3 = field(s + h / 2, z + h / 2 * k2, w)
            return z + h / 6 * (k1 + 2 * k2 + 2 * k3 + field(s + h, z + h * k3, w)), None

        final, _ = jax.lax.scan(step, x, h * jax.numpy.arange(steps))
        return (final**2).sum(1).mean()

    return _gradient(loss, harmonics)


def _diffrax(harmonics: int, method: Mapping[str, object], adjoint: str) -> Row:
    diffrax, field = import_module("diffrax"), _network(harmonics)
    if "steps" in method:
        solver, control, first = _rk4(diffrax), diffrax.ConstantStepSize(), 1 / 20
    else:
        solver, control, first = diffrax.Dopri5(), diffrax.PIDController(rtol=TOLERANCE, atol=TOLERANCE), None

    def loss(w: Any, x: Any) -> Any:
        term = diffrax.ODETerm(field)
        options = {"stepsize_controller": control, "adjoint": getattr(diffrax, adjoint)(), "max_steps": 64}
        found = diffrax.diffeqsolve(term, solver, 0.0, 1.0, first, x, args=w, **options)
        return (found.ys[-1] ** 2).sum(1).mean()

    return _gradient(loss, harmonics)


def _rk4(diffrax: Any) -> Any:
    """The classical method as diffrax has users write it: a tableau of their own."""
    classical = diffrax.ButcherTableau(
        a_lower=(np.array([1 / 2]), np.array([0, 1 / 2]), np.array([0, 0, 1.0])),
        b_sol=np.array([1 / 6, 1 / 3, 1 / 3, 1 / 6]),
        b_error=np.zeros(4),
        c=np.array([1 / 2, 1 / 2, 1.0]),
    )

    class RK4(diffrax.AbstractERK):
        tableau: ClassVar[Any] = classical
        interpolation_cls: ClassVar[Any] = diffrax.ThirdOrderHermitePolynomialInterpolation.from_k

        def order(self, terms: Any) -> int:
            return 4

    return RK4()

"""Sec. 3: residual networks whose layers have weights theta(k h) converge to the depth-varying flow, where residuals are scaled by h."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import sympy as sp

from odeanalysis.modeling.model import Objective, Problem
from odeanalysis.numerics.gradients.evaluate import solve_problem
from odeanalysis.numerics.gradients.settings import Settings
from odeanalysis.verification.claim import Check, Claim, Evidence, Form, Gap, Sentence, Theorem, within
from odeanalysis.verification.claims.instances import random
from odeanalysis.verification.figure import Figure, convergence, line
from odeanalysis.verification.flows.paths import WAYS
from odeanalysis.verification.flows.residual import Residual, growing, spectral, turning_then_stretching, vanilla
from odeanalysis.verification.proof import Step, fact, identity, positive
from odeanalysis.verification.strategies.drawing import draw, stream
from odeanalysis.verification.strategies.flows import SPECTRAL, Flow, flows, network

ID = "deep-limit"
NONE = 0.5  # the bound of a count that has to be 0
DRAWN, STARTS = 2, 3
LAYERS = np.array([16, 128, 1024, 8192])
NEAR, FAR = 0.1, 1e150
TWICE = 2.0  # what order one gives from the fewest to the most layers, and as much again
SAME = 1e-12

# ---------------------------------------------------------------- proof


def _proof() -> Iterator[Step]:
    s, h, tau, K, L = sp.symbols("s h tau K L", positive=True)
    k, N, t = sp.symbols("k N t", positive=True)
    z = sp.Function("z", real=True)
    missed = z(s + h) - z(s) - h * sp.diff(z(s), s)
    change = sp.diff(z(s + h), h) - sp.diff(z(s), s)
    yield identity("what a layer misses of the flow grows with h as z' changes over the layer", sp.Derivative(missed, h), change)
    yield identity("to K h^2/2 at most, where z' has the Lipschitz constant K in depth", sp.Integral(K * tau, (tau, 0, h)), K * h**2 / 2)
    error = K * h / (2 * L) * ((1 + h * L) ** k - 1)
    follows = (1 + h * L) * error + K * h**2 / 2
    yield identity("the errors stay below E_k, where E_0 = 0 and E_{k+1} = (1 + h L) E_k + K h^2/2", error.subs(k, k + 1), follows)
    yield positive("1 + t <= e^t, for t - ln(1 + t) is 0 at 0 and rises", sp.diff(t - sp.log(1 + t), t))
    exact = N * (sp.E - (1 + 1 / N) ** N)
    yield identity("so that E_k <= K h (e^L - 1)/(2 L), order h, which z' = z attains", sp.Limit(exact, N, sp.oo), sp.E / 2)
    for title, layers in (("residuals that are not scaled", 2**N), ("residuals scaled by 1/sqrt(N)", N * sp.log(1 + 1 / sp.sqrt(N)))):
        diverges = sp.Limit(layers, N, sp.oo)
        yield fact(f"{title} diverge on z' = z, if only in their logarithm", diverges.doit() == sp.oo, f"{sp.latex(diverges)} = \\infty")


# ---------------------------------------------------------------- measurement


@dataclass(frozen=True)
class Measured:
    """The largest distance of residual networks from a limit, by each way, for each number of layers."""

    title: str
    errors: dict[str, np.ndarray]

    def falling(self) -> list[Gap]:
        """The error of the most layers in units of that of the fewest: to fall as their numbers do."""
        bound, title = float(TWICE * LAYERS[0] / LAYERS[-1]), f"{LAYERS[-1]} layers against {LAYERS[0]}, {self.title}"
        return [Gap(title, way, float(one[-1] / one[0]), bound) for way, one in self.errors.items()]

    def order(self, expected: int = 1) -> list[Gap]:
        """The distance falls with this power of the number of layers; 0 where it stays."""
        ratio = np.log(LAYERS[-1] / LAYERS[-2])
        found = {way: np.log(one[-2] / one[-1]) / ratio for way, one in self.errors.items()}
        return [Gap(f"order {expected}, {self.title}", way, float(abs(order - expected)), NEAR) for way, order in found.items()]


def measured(network: Residual, x: np.ndarray, power: float, flow: Flow | None = None) -> Measured:
    """Residuals scaled by N^-power, against the network's own flow or another one.  x: [B, n]."""
    limit = flow or network.flow
    ends = {way: solve(limit, x)[:, 0] for way, solve in WAYS.items()}
    if flow is None:
        ends |= {way: x @ matrix.T for way, matrix in network.exact.items()}
    found = [network.output(x, int(layers), float(layers) ** -power) for layers in LAYERS]
    return Measured(limit.title, {way: np.array([_largest(one - end) for one in found]) for way, end in ends.items()})


def _largest(gap: np.ndarray) -> float:
    """Layers that grow beyond all numbers count as `FAR` off, so that reports stay finite."""
    return float(np.max(np.abs(gap).clip(max=FAR))) if np.isfinite(gap).all() else FAR


def _by_euler(network: Residual, x: np.ndarray) -> Check:
    """The library's Euler steps are the layers."""
    problem, layers = Problem(network.flow.model, Objective()), int(LAYERS[0])
    steps = solve_problem(problem, {**network.flow.values, "x": x}, Settings("euler", steps=layers)).final["z"]
    return within(
        f"Euler's {layers} steps are as many layers, {network.flow.title}", _largest(steps - network.output(x, layers, 1 / layers)), SAME
    )


def _measure(seed: int) -> Evidence:
    rng = random(seed, ID)
    drawn = [spectral(one) for one in draw(flows(2, (SPECTRAL,)), DRAWN, stream(seed, ID))]
    networks = [*drawn, growing(rng.uniform(0.3, 1.2, size=3)), turning_then_stretching()]
    starts = [(one, rng.normal(size=(STARTS, one.flow.dimension))) for one in networks]
    right = [measured(one, x, 1) for one, x in starts]
    corrected = Form(tuple(gap for one in right for gap in (*one.falling(), *one.order())))
    autonomous = [measured(one, x, 1, vanilla(one.flow)) for one, x in starts[:DRAWN]]
    unscaled = [measured(one, x, 0) for one, x in starts]
    return Evidence(
        corrected=corrected,
        sabotaged=Form(tuple(gap for one in autonomous for gap in one.falling())),
        extra=(_by_euler(*starts[0]), _diverges(unscaled)),
        figures=(_figure(right, unscaled[0], autonomous[0]),),
        beside=(no_limit(autonomous),),
    )


def no_limit(autonomous: list[Measured]) -> Sentence:
    """The sentence on vanilla Neural ODEs: the distance from them does not fall as layers are added."""
    return Sentence(
        printed=(
            "Vanilla Neural ODEs, as they appear in the original paper (Chen et al., 2018), cannot be fully considered the deep limit of "
            "ResNets. In fact, while each residual block is characterized by its own parameters vector theta_s, the authors consider model "
            "z' = f_theta(s, z(s)) where the depth variable s enters in the dynamics per se rather than in the map s -> theta(s)."
        ),
        meant="residual networks with weights theta(k h) keep a distance from the flow whose theta is their mean over depth",
        instead="their limit is the flow of z' = f(theta(s), z)",
        form=Form(tuple(gap for one in autonomous for gap in one.order(0))),
        example=None,
    )


def _diverges(unscaled: list[Measured]) -> Check:
    """Without the factor h the layers have no limit: their errors do not fall."""
    kept = sum(not Form(tuple(one.falling())).fails for one in unscaled)
    return within("residual networks that converge although their residuals are not scaled", kept, NONE)


def _figure(found: list[Measured], unscaled: Measured, autonomous: Measured) -> Figure:
    errors = {one.title: one.errors["SciPy"] for one in found}
    scaled = convergence("Residual networks against the depth-varying flow", 1 / LAYERS, errors, dict.fromkeys(errors, 1.0), "1 / layers")
    others = {f"{unscaled.title}, residuals not scaled": unscaled, autonomous.title: autonomous}
    return replace(scaled, lines=(*scaled.lines, *(line(label, 1 / LAYERS, one.errors["SciPy"]) for label, one in others.items())))


DEEP_LIMIT = Claim(
    id=ID,
    title="The deep limit of residual networks is the depth-varying flow",
    source="Massaroli et al. 2020, Sec. 1 and 3",
    printed=None,
    corrected=(
        "residual networks z_{k+1} = z_k + h f(theta(k h), z_k) of N = 1/h layers converge to the flow of z' = f(theta(s), z) with an "
        "error of order h, and not to the vanilla flow of the mean of theta"
    ),
    hypotheses=(
        "the residual is scaled by h = 1/N: without it, or with 1/sqrt(N), the layers diverge",
        "the weights of layer k are theta(k h) for one Lipschitz theta: those that each N chooses afresh need have no limit",
        "f is Lipschitz in z and theta",
    ),
    prove=_proof,
    measure=_measure,
    rests_on=(
        Theorem(
            "Uniqueness and existence of the limit (Picard-Lindeloef)",
            "Hairer, Norsett and Wanner 1993, I.7 and II.3",
            "the limit is found by two solvers, and in closed form where there is one",
        ),
    ),
    shown=lambda: Problem(network(2, 2, SPECTRAL), Objective()),
)

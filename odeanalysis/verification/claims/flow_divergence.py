"""Sec. 5.1: the volume that a flow spans grows by the divergence of its field."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import sympy as sp

from odeanalysis.modeling.model import Objective, Problem
from odeanalysis.modeling.transforms import flow
from odeanalysis.symbolic.expressions import block, sumsq
from odeanalysis.verification.claim import Check, Claim, Evidence, Form, Gap, within
from odeanalysis.verification.claims.instances import random
from odeanalysis.verification.figure import Figure, line
from odeanalysis.verification.flows.paths import by_solver
from odeanalysis.verification.flows.sphere_maps import dets
from odeanalysis.verification.proof import Step, identity
from odeanalysis.verification.strategies.drawing import draw, stream
from odeanalysis.verification.strategies.exact_flows import stacked_linear
from odeanalysis.verification.strategies.flows import VARYING, Flow, flows, network

ID = "flow-divergence"
DIMENSIONS = (1, 2, 3)
POINTS = 3
CLOSE = 1e-9
ONE = "theta(t) is theta(s), and det |nabla phi| is det D phi, which is positive: misprints of symbols"


def _proof() -> Iterator[Step]:
    """Jacobi's formula along the variational equation, and the instance z' = A z."""
    s, t = sp.symbols("s t", real=True)
    for n in (1, 2, 3):
        A, D = (sp.Matrix(n, n, sp.symbols(f"{name}_1:{n * n + 1}", real=True)) for name in ("a", "d"))
        slope = sp.Add(*(sp.diff(D.det(), entry) * change for entry, change in zip(D.flat(), (A * D).flat(), strict=True)))
        yield identity(f"D' = f_z D has (log det D)' = tr f_z, in R^{n}", sp.simplify(slope / D.det()), A.trace())
    a, b, c, d = sp.symbols("a b c d", real=True)
    A = sp.Matrix([[a, b], [0, d]])
    yield identity("z' = A z has D phi_s = exp(s A), of determinant exp(s tr A)", (A * s).exp().det(), sp.exp(s * A.trace()))
    J = sp.Matrix([[0, -c], [c, 0]])
    yield identity("a turn keeps volumes", (J * s).exp().det().rewrite(sp.cos), 1)
    div = sp.Function("d", real=True)
    grown = sp.Integral(div(t), (t, 0, s))
    yield identity("so that log det D phi_s = int div f, from 0 at s = 0", sp.Derivative(grown, s), div(s))


def grown(one: Flow, x: np.ndarray) -> np.ndarray:
    """log det D phi_S by the transform `flow`: [B]."""
    return by_solver(replace(one, model=flow(one.model, "z", "log_det")), x, state="log_det")[:, 0]


def _frozen(one: Flow, x: np.ndarray) -> np.ndarray:
    """The sabotage: the divergence where the path starts, times S."""
    model = flow(one.model, "z", "log_det")
    short = model.with_(domain=(0, 1e-4))
    return by_solver(replace(one, model=short), x, state="log_det")[:, 0] * 1e4


def _gaps(one: Flow, x: np.ndarray, found: np.ndarray) -> list[Gap]:
    return [Gap(one.title, way, float(np.max(np.abs(found - np.log(det)))), CLOSE) for way, det in dets(one, x).items()]


def _linear(rng: np.random.Generator) -> Iterator[Check]:
    """S tr A, the closed form."""
    for n in DIMENSIONS:
        A = rng.standard_normal((n, n))
        missed = grown(stacked_linear(f"z' = A z in R^{n}", A[None]), rng.standard_normal((1, n)))[0] - np.trace(A)
        yield within(f"log det = S tr A for z' = A z in R^{n}", abs(float(missed)), CLOSE)


def _figure(one: Flow) -> Figure:
    """log det along paths from three points."""
    s = np.linspace(0.05, 1, 40)
    paths = by_solver(replace(one, model=flow(one.model, "z", "log_det")), np.eye(one.dimension)[:POINTS], s, "log_det")
    return Figure(f"log det D phi_s along paths, {one.title}", "s", "", tuple(line(f"from e_{i}", s, path) for i, path in enumerate(paths)))


def _measure(seed: int) -> Evidence:
    rng = random(seed, ID)
    right, wrong = [], []
    drawn = [one for n in DIMENSIONS for one in draw(flows(n, ("constant", *VARYING)), 2, stream(seed, f"{ID} {n}"))]
    for one in drawn:
        x = rng.standard_normal((POINTS, one.dimension))
        right += _gaps(one, x, grown(one, x))
        wrong += _gaps(one, x, _frozen(one, x))
    form = Form(tuple(right))
    return Evidence(form, Form(tuple(wrong)), printed=form.as_printed(ONE), extra=tuple(_linear(rng)), figures=(_figure(drawn[-1]),))


FLOW_DIVERGENCE = Claim(
    id=ID,
    title="The logarithm of a flow's volume grows by the divergence of its field",
    source="Massaroli et al. 2020, Sec. 5.1; Liouville's formula",
    printed=(
        "the log determinant of the Jacobian is computed via the fluid mechanics identity "
        "d/ds log det |nabla phi_s(x)| = nabla . f_{theta(t)}(s, phi_s(x))"
    ),
    corrected="d/ds log det D phi_s(x) = (div f)(s, phi_s(x)), where det D phi_s(x) > 0; z' = A z has log det D phi_S = S tr A",
    hypotheses=("f is C^1 in the state", "the solution exists on all of [s0, S]"),
    prove=_proof,
    measure=_measure,
    shown=lambda: Problem(flow(network(2, 3, "constant"), "z", "log_det"), Objective(sumsq(block("z", 2)) / 2 - block("log_det"))),
)

"""Cor. 1: the gradient with respect to the coefficients of a parameter that is a sum of functions of depth."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import sympy as sp

from odeanalysis.modeling.bases import Fourier, Hat, Legendre, Monomial
from odeanalysis.modeling.model import Model, Objective, Problem
from odeanalysis.modeling.transforms import galerkin
from odeanalysis.numerics.gradients.evaluate import solve_problem
from odeanalysis.symbolic.expressions import block
from odeanalysis.verification.claim import Check, Claim, Evidence, within
from odeanalysis.verification.claims.instances import Family
from odeanalysis.verification.measure import CLOSE, TIGHT, evidence, exchanged
from odeanalysis.verification.proof import Step, derivation_holds, identity
from odeanalysis.verification.strategies.drawing import stream
from odeanalysis.verification.strategies.varied import small_spectral, spectral

ID = "spectral-gradient"
FAMILY = Family(ID, spectral(), ("p", "q"))
SHORT, TURN = 0.3, 2 * np.pi
UNIT = (sp.Integer(0), sp.Integer(1))


def _proof() -> Iterator[Step]:
    """z' = theta(s), L = z^2 with theta = alpha_0 + alpha_1 s: nothing asks for orthogonal functions."""
    t, z0 = sp.symbols("t z_0", real=True)
    alpha = sp.symbols("alpha_0:2", real=True)
    psi = (sp.Integer(1), t)
    end = z0 + sp.Integral(sum(a * p for a, p in zip(alpha, psi, strict=True)), (t, 0, 1)).doit()
    for a, p in zip(alpha, psi, strict=True):
        yield identity(
            f"dell/d{a} = int a(s)^T f_theta psi ds for psi = {p}, a = 2 z(1)",
            sp.Derivative(end**2, a),
            sp.Integral(2 * end * p, (t, 0, 1)),
        )
    dilation = sp.Symbol("d", positive=True)
    theta = alpha[1] * sp.cos(dilation * t)
    grown = z0 + sp.Integral(theta, (t, 0, 1))
    inner = sp.Integral(2 * grown.doit() * sp.diff(theta, dilation), (t, 0, 1))
    yield identity("a dilation d adds int a f_theta alpha dpsi/dd ds", sp.Derivative(grown.doit() ** 2, dilation), inner)
    yield from derivation_holds([("a spectral parameter", FAMILY.shown())])


def _orthogonality() -> Iterator[Check]:
    """Gram matrices: Legendre's functions are orthogonal, others are not, and their gradients are right all the same."""
    for basis, orthogonal in ((Legendre(3, UNIT), True), (Monomial(3), False), (Hat((0, sp.Rational(1, 2), 1)), False)):
        gram = np.array(basis.gram(UNIT).tolist(), dtype=float)
        beside = float(np.max(np.abs(gram - np.diag(np.diag(gram)))))
        name = f"{type(basis).__name__} is {'' if orthogonal else 'not '}orthogonal"
        yield within(name, beside if orthogonal else float(beside < 1e-3), 1e-12)


def _closed_form() -> Iterator[Check]:
    """z' = theta(s) with Fourier's functions 1, cos 2 pi s, sin 2 pi s over [0, 0.3]: z is the sum of their integrals."""
    z, theta = block("z"), block("theta")
    model = galerkin(Model({z: theta}, {z: 0}, (0, SHORT), (theta,), name="summed"), {"theta": Fourier(3, 1)})
    integrals = np.array([SHORT, np.sin(TURN * SHORT) / TURN, (1 - np.cos(TURN * SHORT)) / TURN])
    for j, alpha in enumerate(np.eye(3)):
        found = solve_problem(Problem(model, Objective(terminal=z)), {"theta": alpha}, TIGHT).value
        yield within(f"z' = psi_{j}(s) is solved by the integral of psi_{j}", abs(found - integrals[j]), CLOSE)


def _measure(seed: int) -> Evidence:
    measured = evidence(FAMILY.instances(seed), exchanged, {"field": 1.0}, stream(seed, ID), small_spectral())
    return replace(measured, extra=(*_orthogonality(), *_closed_form()))


SPECTRAL_GRADIENT = Claim(
    id=ID,
    title="The gradient with respect to coefficients is the function's gradient against their functions",
    source="Massaroli et al. 2020, Cor. 1",
    printed=(
        "Under the assumptions of Theorem 1, if theta(s) = sum_{j=1}^m alpha_j (.) psi_j(s), dell/dalpha = int_S a^T(tau) "
        "df_theta(s)/dtheta(s) psi(tau) dtau, psi = (psi_1, ..., psi_m)"
    ),
    corrected=(
        "dell/dalpha_j = int (a^T df/dtheta + dl/dtheta)(tau) (.) psi_j(tau) dtau, blockwise; a dilation or shift d of the basis has "
        "int (a^T f_theta + dl/dtheta) sum_j alpha_j (.) dpsi_j/dd dtau"
    ),
    hypotheses=(
        "those of the functional gradient",
        "the psi_j are in L2: they need not be orthogonal, which only conditions the problem",
        "costs may contain theta, as the regularizers of Sec. 6 do",
    ),
    prove=_proof,
    measure=_measure,
    shown=FAMILY.shown,
)

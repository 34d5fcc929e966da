"""The discrete adjoint: the vector-Jacobian product of the steps is the partitioned (symplectic) method applied to the costate."""

from collections.abc import Iterator

import numpy as np
import sympy as sp

from odeanalysis.derivations.parts import COST, H, Parts, costate_of, parts
from odeanalysis.derivations.step import step, step_vjp
from odeanalysis.modeling.model import Model, Objective, Problem
from odeanalysis.numerics.gradients import costs
from odeanalysis.numerics.gradients.boundary import finish
from odeanalysis.numerics.gradients.continuous import ContinuousAdjoint
from odeanalysis.numerics.gradients.differences import ComplexStep, Differences
from odeanalysis.numerics.gradients.discrete import DiscreteAdjoint, step_values
from odeanalysis.numerics.gradients.evaluate import solve_problem
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.numerics.gradients.run import Run
from odeanalysis.numerics.gradients.settings import Settings
from odeanalysis.symbolic.expressions import block, depth
from odeanalysis.symbolic.formula import Formula
from odeanalysis.symbolic.functions import sin
from odeanalysis.symbolic.rewrite import substitute
from odeanalysis.symbolic.zero import is_zero
from odeanalysis.tableaus import tableau
from odeanalysis.verification.claim import Check, Claim, Evidence, Form, Gap, within
from odeanalysis.verification.claims.instances import random
from odeanalysis.verification.figure import Figure, convergence
from odeanalysis.verification.measure import TIGHT, relative
from odeanalysis.verification.proof import Step

ID = "discrete-adjoint"
EXACT = 1e-11
# midpoint comes first: its rows are transposed onto themselves, so that it cannot be broken that way
METHODS = ("midpoint", "heun2", "rk4", "dopri5", "tsit5", "dopri8")
STIFF = ("rosenbrock23", "rodas5p", "radau", "kvaerno5")
ROUNDED = 1e-7
ORDERS = ("heun2", "bosh3", "rk4", "rosenbrock23")
STEPS = (8, 16, 32, 64)
NEAR = 0.1


def _problem() -> Problem:
    """z' = p sin z + s with a running cost that contains p: a field that depends on depth."""
    z, p, z0 = block("z"), block("p"), block("z0")
    model = Model({z: p * sin(z) + depth}, {z: z0}, (0, 1), (p, z0), name="driven_pendulum")
    return Problem(model, Objective(terminal=z**2, running=p * z**2))


# ---------------------------------------------------------------- proof


def _written_out(formula: Formula) -> dict[str, sp.Expr]:
    """The outputs with the lets put in their places: pure SymPy, since the model is scalar."""
    known: dict[sp.Basic, sp.Expr] = {}
    for leaf, value in formula.lets:
        known[leaf] = substitute(value, dict(known))
    return {name: substitute(value, dict(known)) for name, value in formula.outputs}


def _proof() -> Iterator[Step]:
    stated = parts(_problem())
    z, p = stated.states[0], stated.names[0]
    bar, bar_cost = sp.Symbol("_bar_z", real=True), sp.Symbol("_bar__cost", real=True)
    for method in ("midpoint", "heun2", "rk4"):
        advance, reverse = (_written_out(derive(stated, tableau(method))) for derive in (step, step_vjp))
        weighted = bar * advance["z"] + bar_cost * advance[COST.name]
        for leaf in (z, p, H, depth):
            holds = is_zero(reverse[str(leaf)] - sp.diff(weighted, leaf)).holds
            yield Step(f"{method}: the derived cotangent of {leaf} is the derivative of the step", holds)
        recursion = _symbolic_recursion(stated, method, bar, bar_cost)
        yield Step(
            f"{method}: the costate's partitioned method is the step's vector-Jacobian product", is_zero(reverse["z"] - recursion).holds
        )


def _symbolic_recursion(stated: Parts, method: str, bar: sp.Symbol, bar_cost: sp.Symbol) -> sp.Expr:
    """a + sum_i w_i with u_i = h (b_i a + sum_l a_li w_l), w_i = f_z(X_i) u_i + h b_i l_z(X_i)."""
    table, z = tableau(method), stated.states[0]
    f, cost = stated.field.output["z"], stated.field.output[COST.name]
    slopes, points = [], []
    for i in range(table.stages):
        state = z + H * sum((table.a[i][j] * slopes[j] for j in range(i)), sp.Integer(0))
        points.append({z: state, depth: depth + table.c[i] * H})
        slopes.append(f.subs(points[i], simultaneous=True))
    weights: dict[int, sp.Expr] = {}
    for i in reversed(range(table.stages)):
        u = H * (table.b[i] * bar + sum((table.a[j][i] * w for j, w in weights.items()), sp.Integer(0)))
        fz, lz = (sp.diff(g, z).subs(points[i], simultaneous=True) for g in (f, cost))
        weights[i] = fz * u + H * table.b[i] * bar_cost * lz
    return bar + sp.Add(*weights.values())


# ---------------------------------------------------------------- measurement


def partitioned(run: Run, transposed: bool = True) -> dict[str, Array]:
    """The gradient by the partitioned method in floating point; `transposed=False` takes a_il for a_li, which is wrong."""
    back = costs.cotangents(run.setting, run.solution)
    record, bar = run.solution.record, back.states[:, -1].copy()
    assert record is not None
    for k in range(len(record) - 1, -1, -1):
        bar = _step_back(run, k, bar, back, transposed)
        rows = np.nonzero((record.start[k] == 0) & record.accepted[k])[0]
        bar[rows] += back.states[rows, record.segment[k, rows]]
    return finish(run.setting, bar, back)


def _step_back(run: Run, k: int, bar: Array, back: costs.Cotangents, transposed: bool) -> Array:
    table, program = tableau(run.settings.method).floats, run.setting.program
    points, slopes, values = [], [], step_values(run, k)
    h, z, s = values["_h"], values["z"], values["s"]
    for i, row in enumerate(table.a):
        points.append({**values, "s": s + table.c[i] * h, "z": z + h * sum(row[j] * slopes[j] for j in range(i))})
        slopes.append(program.field(points[i])["z"])
    costate, weight = bar[:, 0], bar[:, 1]
    carried: dict[int, Array] = {}
    for i in reversed(range(len(points))):
        inner = sum((table.a[j][i] if transposed else table.a[i][j]) * w for j, w in carried.items())
        u = h * (table.b[i] * costate + inner)
        found = program.adjoint({**points[i], costate_of(run.setting.program.parts.states[0]).name: u, "_weight": h * table.b[i] * weight})
        carried[i] = found["z"]
        for leaf in program.parts.names:
            back.names[leaf.name] += np.sum(found[leaf.name])
    return np.stack([costate + sum(carried.values()), weight], axis=1)


def _truths(run: Run) -> list[tuple[str, dict[str, Array], float]]:
    """The gradient of the discretised loss in two other ways, with what is left of each by rounding."""
    exact = ("complex step", ComplexStep().gradients(run), EXACT)
    if tableau(run.settings.method).explicit:
        return [exact, ("partitioned method", partitioned(run), EXACT)]
    return [exact, ("differences", Differences().gradients(run), ROUNDED)]


def _gaps(run: Run, found: dict[str, Array]) -> list[Gap]:
    title = run.settings.method
    return [Gap(title, way, max(relative(found[n], truth[n]) for n in found), bound) for way, truth, bound in _truths(run)]


def _measure(seed: int) -> Evidence:
    rng = random(seed, ID)
    values = {"p": float(rng.uniform(0.8, 1.5)), "z0": float(rng.uniform(0.3, 1.0))}
    right, wrong = [], []
    for method in (*METHODS, *STIFF):
        run = solve_problem(_problem(), values, Settings(method, steps=7))
        right += _gaps(run, DiscreteAdjoint().gradients(run))
        if method in METHODS[1:]:
            wrong += _gaps(run, partitioned(run, transposed=False))
    misses = _misses(values)
    return Evidence(Form(tuple(right)), Form(tuple(wrong)), extra=tuple(_orders(misses)), figures=(_figure(misses),))


def _misses(values: dict[str, float]) -> dict[str, list[float]]:
    """For each method, the gaps to a continuous adjoint that is solved far more tightly, for each number of steps."""
    exact = ContinuousAdjoint().gradients(solve_problem(_problem(), values, TIGHT))

    def miss(method: str, count: int) -> float:
        found = DiscreteAdjoint().gradients(solve_problem(_problem(), values, Settings(method, steps=count)))
        return max(relative(found[name], exact[name]) for name in found)

    return {method: [miss(method, count) for count in STEPS] for method in ORDERS}


def _orders(misses: dict[str, list[float]]) -> Iterator[Check]:
    """The gaps fall at the method's order."""
    for method, (*_, coarse, fine) in misses.items():
        order = tableau(method).order
        found = float(np.log2(coarse / fine))
        yield within(f"order of the gap to the continuous adjoint, {method}: distance from {order}", abs(found - order), NEAR)


def _figure(misses: dict[str, list[float]]) -> Figure:
    sizes = 1 / np.array(STEPS)
    return convergence("Discrete against continuous adjoint", sizes, misses, {method: tableau(method).order for method in misses})


DISCRETE_ADJOINT = Claim(
    id=ID,
    title="The reverse sweep over the steps is exact, and is the partitioned method applied to the costate",
    source="not in the paper; Sanz-Serna 2016",
    printed=None,
    corrected=(
        "with stage cotangents u_i = h (b_i a + sum_j a_ji w_j), w_i = f_z^T u_i + h b_i l_z, the costate before the step is "
        "a + sum_i w_i, also where b_i = 0; it is the vector-Jacobian product of the step"
    ),
    hypotheses=("step sizes are held fixed as fractions of their segment",),
    prove=_proof,
    measure=_measure,
    shown=_problem,
)

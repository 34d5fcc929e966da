"""The discrete adjoint: the vector-Jacobian product of the steps is the partitioned (symplectic) method applied to the costate."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import sympy as sp
from hypothesis import strategies as st

from odeanalysis.derivations.parts import COST, H, Parts, costate_of, parts
from odeanalysis.derivations.step import step, step_vjp
from odeanalysis.modeling.model import Model, Objective, Problem
from odeanalysis.numerics.gradients import costs
from odeanalysis.numerics.gradients.boundary import finish
from odeanalysis.numerics.gradients.continuous import ContinuousAdjoint
from odeanalysis.numerics.gradients.differences import ComplexStep
from odeanalysis.numerics.gradients.discrete import DiscreteAdjoint, step_cotangents, step_values
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
from odeanalysis.tableaus.stability import stability
from odeanalysis.verification.claim import Check, Claim, Evidence, Form, Gap, within
from odeanalysis.verification.figure import Figure, convergence
from odeanalysis.verification.independent import gradients as independent
from odeanalysis.verification.independent import taylor
from odeanalysis.verification.independent.compare import projected_difference, relative_difference
from odeanalysis.verification.measure import TIGHT, relative
from odeanalysis.verification.proof import Step, decided
from odeanalysis.verification.strategies.drawing import draw, stream
from odeanalysis.verification.strategies.problems import problems

ID = "discrete-adjoint"
FEW = 3
EXACT = 1e-11
# extrapolated differences leave the fourth power of a step of 1e-3 times fifth derivatives, and rounding over that step
DIFFERENCES = 1e-9
# midpoint comes first: its rows are transposed onto themselves, so that it cannot be broken that way
METHODS = ("midpoint", "heun2", "rk4", "dopri5", "tsit5", "dopri8")
STIFF = ("rosenbrock23", "rodas5p", "radau", "kvaerno5")
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
            difference = reverse[str(leaf)] - sp.diff(weighted, leaf)
            yield decided(f"{method}: the derived cotangent of {leaf} is the derivative of the step", is_zero(difference))
        difference = reverse["z"] - _symbolic_recursion(stated, method, bar, bar_cost)
        yield decided(f"{method}: the costate's partitioned method is the step's vector-Jacobian product", is_zero(difference))


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


# ---------------------------------------------------------------- the partitioned method


def partitioned(run: Run, transposed: bool = True) -> dict[str, Array]:
    """The gradient by the partitioned method in floating point; `transposed=False` takes a_ij for a_ji, which is wrong."""
    back = costs.cotangents(run.setting, run.solution)
    record, bar = run.solution.record, back.states[:, -1].copy()
    assert record is not None
    for k in reversed(range(len(record))):
        bar = step_cotangents(run, k, _pulled(run, k, bar, transposed), bar, back)
    return finish(run.setting, bar, back)


def _pulled(run: Run, k: int, bar: Array, transposed: bool) -> dict[str, Array]:
    """What step k pulls back: with v_i = b_i a + sum_j a_ji w_j, u_i = h v_i and H_i = l + u_i^T f at stage i,

    w_i = dH_i/dz,   the names get sum_i dH_i/dname,   the depth sum_i dH_i/ds,   h gets sum_i (v_i^T k_i + c_i dH_i/ds)
    """
    table, layout, depth = tableau(run.settings.method).floats, run.setting.layout, run.setting.program.parts.depth.name
    stages = _stages(run, k)
    h = stages[0]["_h"]
    found = {name: np.zeros(array.shape) for name, array in run.setting.values.items()}
    found |= {depth: np.zeros(h.shape), "_h": np.zeros(h.shape)}
    carried: dict[int, Array] = {}
    for i in reversed(range(len(stages))):
        v = table.b[i] * bar + sum((table.a[j][i] if transposed else table.a[i][j]) * w for j, w in carried.items())
        u = h[:, None] * v
        derived = run.setting.program.adjoint({**stages[i], **_costates(run, u)})
        carried[i] = layout.pack({**derived, COST.name: np.zeros(())}, h.shape)
        for name in run.setting.values:
            found[name] += _received(run, name, derived[name])
        drift = np.sum(u * layout.pack(run.setting.program.depth_derivative(stages[i]), h.shape), axis=1)
        found[depth] += drift
        found["_h"] += np.sum(v * _slope(run, stages[i]), axis=1) + table.c[i] * drift
    return {**found, **layout.unpack(bar + sum(carried.values()))}


def _stages(run: Run, k: int) -> list[dict[str, Array]]:
    """Names -> arrays at the stages X_i = z + h sum_j a_ij k_j, s + c_i h of recorded step k."""
    table, layout, depth = tableau(run.settings.method).floats, run.setting.layout, run.setting.program.parts.depth.name
    values, record = step_values(run, k), run.solution.record
    assert record is not None
    h, slopes, found = values["_h"], [], []
    for c, row in zip(table.c, table.a, strict=True):
        state = record.states[k] + h[:, None] * sum(a * slope for a, slope in zip(row, slopes, strict=False))
        found.append({**values, **layout.unpack(state), depth: values[depth] + c * h})
        slopes.append(_slope(run, found[-1]))
    return found


def _slope(run: Run, stage: dict[str, Array]) -> Array:
    return run.setting.layout.pack(run.setting.program.field(stage), stage["_h"].shape)


def _costates(run: Run, u: Array) -> dict[str, Array]:
    """A vector [B, n] as what the derivatives of H are given: costates, and the weight of the running cost."""
    parts = run.setting.layout.unpack(u)
    return {
        **{costate_of(z).name: parts[z.name] for z in run.setting.program.parts.states},
        "_weight": parts.get(COST.name, np.zeros(len(u))),
    }


def _received(run: Run, name: str, derived: Array) -> Array:
    """dH/dname of every sample, summed where the samples share the name."""
    array = run.setting.values[name]
    if name in run.setting.bound.batched:
        return np.broadcast_to(derived, array.shape)
    return np.broadcast_to(derived, (run.setting.batch, *array.shape)).sum(axis=0)


# ---------------------------------------------------------------- measurement


@dataclass(frozen=True, eq=False)
class Stepped:
    """A drawn problem, solved in a few steps of a method, with the derivative of the discretised loss in ways that know no adjoint."""

    title: str
    run: Run

    @cached_property
    def exact(self) -> dict[str, Array]:
        return ComplexStep().gradients(self.run)

    @cached_property
    def direction(self) -> dict[str, Array]:
        (found,) = taylor.directions(self.run, 1, 0)
        return found

    @cached_property
    def along(self) -> float:
        """The derivative along a direction, from losses by steps that are made of the method's numbers alone."""
        setting, settings = self.run.setting, self.run.settings
        march = independent.equal_steps(setting.problem, setting.bound, settings.method, FEW)
        return independent.directional(setting.problem, setting.bound, self.direction, march)

    def gaps(self, found: dict[str, Array]) -> list[Gap]:
        """How far a gradient is from both."""
        apart = relative_difference(found, self.exact)
        return [
            Gap(self.title, "complex step", apart, EXACT),
            Gap(self.title, "steps by hand, differences", projected_difference(found, self.direction, self.along), DIFFERENCES),
        ]


def _stepped(seed: int) -> Iterator[Stepped]:
    """Each method on a problem of its own."""
    methods = (*METHODS, *STIFF)
    for method, one in zip(methods, draw(problems(moving_ends=True), len(methods), stream(seed, ID)), strict=True):
        yield Stepped(f"{method}, {one.title}", solve_problem(one.problem, one.values, Settings(method, steps=FEW)))


def _measure(seed: int) -> Evidence:
    right, wrong = [], []
    for one in _stepped(seed):
        found, explicit = DiscreteAdjoint().gradients(one.run), one.run.settings.method in METHODS
        right += one.gaps(found)
        if explicit:
            right.append(Gap(one.title, "partitioned method", relative_difference(found, partitioned(one.run)), EXACT))
            wrong += one.gaps(partitioned(one.run, transposed=False))
    values = draw(pendulums(), 2, stream(seed, ID))[-1]
    misses = _misses(values)
    extra = (*_closed_form(values["p"]), *_orders(misses))
    return Evidence(Form(tuple(right)), Form(tuple(wrong)), extra=extra, figures=(_figure(misses),))


def _closed_form(theta: float) -> Iterator[Check]:
    """z' = theta z: N steps of h multiply by R(h theta)^N, with the stability function R."""
    z, rate, x = block("z"), block("theta"), sp.Symbol("x", real=True)
    problem = Problem(Model({z: rate * z}, {z: 1}, (0, 1), (rate,), name="growth"), Objective(terminal=z))
    for method in (*METHODS, *STIFF):
        slope = sp.diff(stability(tableau(method), x) ** FEW, x) / FEW
        run = solve_problem(problem, {"theta": theta}, Settings(method, steps=FEW))
        miss = relative(DiscreteAdjoint().gradients(run)["theta"], np.array(float(slope.subs(x, theta / FEW))))
        yield within(f"the derivative of R(h theta)^{FEW}, {method}", miss, EXACT)


def pendulums() -> st.SearchStrategy[dict[str, float]]:
    """Values of the driven pendulum, on which orders are measured."""
    return st.builds(lambda p, z0: {"p": p / 10, "z0": z0 / 10}, st.integers(8, 15), st.integers(3, 10))


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

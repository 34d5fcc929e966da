"""The tangents of the adjoint system are the directional derivatives of its formulas, and give the second derivatives of closed losses."""

from dataclasses import replace
from typing import Any

import pytest
import sympy as sp

import odeanalysis as oda
from odeanalysis.derivations.adjoint import adjoint
from odeanalysis.derivations.proof import prove_tangents
from odeanalysis.derivations.second_order import SecondOrder, second_order
from odeanalysis.derivations.solution import loss, solution
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.explicit import Entries, explicit_formula, scalar
from odeanalysis.symbolic.formula import Formula
from odeanalysis.symbolic.zero import is_zero
from tests.cases import CASES

SMALL = [
    "scalar_linear", "predator_prey", "symbolic_sizes", "state_blocks", "running_cost", "observed_twice", "moving_observation",
    "moving_ends", "moving_switch", "kinks_in_depth", "interpolated_input",
]  # fmt: skip


@pytest.mark.parametrize("name", SMALL)
def test_tangents_are_directional_derivatives(name: str):
    proof = prove_tangents(second_order(adjoint(CASES[name].problem())))
    assert proof.holds, [step.title for step in proof.failures]
    assert proof.symbolic


@pytest.mark.parametrize("part", ["initial", "depths", "hamiltonian", "system", "start", "end", "marks"])
def test_a_changed_tangent_is_refused_by_name(part: str):
    right = second_order(adjoint(CASES["moving_ends"].problem()))
    formula = getattr(right, part)
    for i, (output, value) in enumerate(formula.outputs):
        outputs = (*formula.outputs[:i], (output, ex.add(value, right.derived.parts.depth)), *formula.outputs[i + 1 :])
        wrong = replace(right, **{part: replace(formula, outputs=outputs, inputs=with_depth(formula, right))})
        assert [step.title.split(" =")[0] for step in prove_tangents(wrong).failures] == [f"{formula.name}: {output}"]


def with_depth(formula: Formula, second: SecondOrder) -> tuple[Any, ...]:
    return tuple(dict.fromkeys((*formula.inputs, second.derived.parts.depth)))


def test_tangents_at_large_sizes_are_proved_at_small_ones():
    z, W = oda.block("z", 64), oda.block("W", 64, 64)
    model = oda.Model(field={z: oda.tanh(W @ z)}, initial={z: oda.ones(64)}, domain=(0, 1), parameters=[W])
    second = second_order(adjoint(oda.Problem(model, oda.Objective(terminal=oda.sumsq(z)))))
    assert prove_tangents(second).holds
    wrong = replace(second, system=second.system.only(*list(second.system.output)[:-1]))
    assert [step.title for step in prove_tangents(wrong).failures] == ["tangent_system: the rules give it at the stated sizes"]


def test_flags_stand_still_and_everything_else_moves():
    second = second_order(adjoint(CASES["moving_switch"].problem()))
    names = {leaf.name for leaf in second.system.inputs}
    assert {"_dot_s", "_dot_z", "_dot__a_z", "_dot_a", "_dot_s1", "_dot_x"} <= names
    assert not {name for name in names if name.startswith("_dot__piece")}


# ---------------------------------------------------------------- against closed forms


def read(formula: Formula, **values: Any) -> dict[str, Any]:
    """Scalar outputs with scalars for inputs; inputs that are not named stay."""
    known: dict[Any, Entries] = {leaf: scalar(values[leaf.name]) for leaf in formula.inputs if leaf.name in values}
    return {name: entries.scalar for name, entries in explicit_formula(formula, known=known).items()}


def test_the_product_is_the_second_derivative_of_a_closed_loss():
    """f = theta z, l = theta^2 z^2 + z^2, L = z^3: w = dz/dtheta and b = da/dtheta solve the tangent system, whose integral is ell''."""
    s, theta, z0, z = oda.depth, *(oda.block(name) for name in ("theta", "z0", "z"))
    model = oda.Model(field={z: theta * z}, initial={z: z0}, domain=(0, 1), parameters=[theta, z0])
    problem = oda.Problem(model, oda.Objective(terminal=z**3, running=(theta**2 + 1) * z**2))
    second, solved = second_order(adjoint(problem)), solution(problem)
    assert solved is not None
    path = solved[z].scalar
    costate = costate_of_growth(theta, path)
    w, b = sp.diff(path, theta), sp.diff(costate, theta)
    moved = read(second.system, z=path, _a_z=costate, _dot_z=w, _dot__a_z=b, _dot_theta=1, _dot_z0=0, _dot_s=0)
    assert is_zero(moved["z"] - sp.diff(w, s))
    assert is_zero(moved["a_z"] - sp.diff(b, s))
    end = read(second.end, z=path, _dot_z=w, _dot_theta=1, _dot_z0=0, _dot_s=0)
    assert is_zero((end["a_z"] - b).subs(s, 1))
    start = read(second.start, _a_z=costate, _dot__a_z=b, _dot_theta=1, _dot_z0=0, _dot_s=0)
    for name in (theta, z0):
        integral = sp.integrate(sp.expand(moved[f"grad_{name}"]), (s, 0, 1), conds="none")
        product = integral + end[f"grad_{name}"].subs(s, 1) + start[f"grad_{name}"].subs(s, 0)
        assert is_zero(generic(product) - sp.diff(loss(solved), theta, name))


def costate_of_growth(theta: Any, path: Any) -> Any:
    """a' = -theta a - 2 (theta^2 + 1) z, a(1) = 3 z(1)^2."""
    s = oda.depth
    particular = -(theta**2 + 1) / theta * path
    return particular + sp.exp(theta * (1 - s)) * (3 * path.subs(s, 1) ** 2 - particular.subs(s, 1))


def generic(value: Any) -> Any:
    """The case in which nothing that is divided by vanishes."""
    return value.replace(lambda node: isinstance(node, (sp.Eq, sp.Ne)), lambda node: sp.S(isinstance(node, sp.Ne)))


def test_moving_ends_have_second_derivatives():
    """S = w x, z' = c, l = z, L = (z + x)^2: dell/dS = H(S) + dL/ds, and its tangent gives d2ell/dw2 and d2ell/dw dc."""
    problem = CASES["signed_depth"].problem()
    w, c, x = (oda.block(name) for name in ("w", "c", "x"))
    second, solved = second_order(adjoint(problem)), solution(problem)
    assert solved is not None
    s, z = oda.depth, solved[oda.block("z")].scalar
    end = {"s": w * x, "z": z.subs(s, w * x), "_a_z": 2 * (z.subs(s, w * x) + x)}
    for name in (w, c):
        moved = {f"_dot_{leaf}": sp.diff(value, name) for leaf, value in end.items()}
        moved |= {f"_dot_{leaf}": sp.Integer(leaf == name) for leaf in (w, c, x)}
        gain = read(second.hamiltonian, **end, **moved)["H"] + read(second.end, **end, **moved)["depth"]
        assert is_zero(gain * x - sp.diff(loss(solved), w, name))
        assert is_zero(read(second.end, **end, **moved)["a_z"] - moved["_dot__a_z"])
    depths = read(second.depths, _dot_w=3, _dot_x=5, _dot_c=7)
    assert sp.expand(depths["end"] - 3 * x - 5 * w) == 0 and depths["start"] == 0

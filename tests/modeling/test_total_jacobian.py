"""The total derivative of a state in a name on which the field may depend: closed forms, and what would miss a part."""

from typing import Any

import numpy as np
import pytest
import sympy as sp
from scipy.linalg import expm

import odeanalysis as oda
from odeanalysis.errors import ModelError
from odeanalysis.modeling.model import Model, Objective, Problem
from odeanalysis.modeling.transforms.total_jacobian import is_jacobian, log_abs_det, total_jacobian
from odeanalysis.symbolic.explicit import explicit
from odeanalysis.symbolic.functions import tanh, where

s, k, p = oda.depth, oda.block("k"), oda.block("p")
y, r, c, J = oda.block("y"), oda.block("r"), oda.block("c"), oda.block("J")
z, x, A = oda.block("z", 2), oda.block("x", 2), oda.block("A", 2, 2)
W, V = oda.block("W", 3, 2), oda.block("V", 2, 3)
N = sp.Symbol("n", integer=True)
TIGHT = oda.Settings(rtol=1e-11, atol=1e-13)


def scalar(field: Any, **more: Any) -> Any:
    """y' = field from c on [0, 1]."""
    return Model(**{"field": {y: field}, "initial": {y: c}, "domain": (0, 1), "parameters": [k, p], "inputs": [c], **more})


def final(model: Model, values: dict[str, Any], name: str = "J") -> Any:
    return oda.solve_problem(Problem(model, Objective()), values, TIGHT).final[name]


# ---------------------------------------------------------------- closed forms


@pytest.mark.parametrize(("domain", "wanted"), [((0, 1), 2 * np.exp(-0.4) - 1), ((1, 0), 2 * np.exp(0.4) - 1)])
def test_the_approximate_reflection_in_both_directions(domain: Any, wanted: float):
    """z' = -theta (z + c) from c, the paper's equation 9: J is not exp of the integral of f_z, which is e^-theta."""
    model: Any = total_jacobian(scalar(-k * (y + c), domain=domain), "y", "c", "J")
    assert model.field[1:] == ((J, -k * J - k),) and model.initial[1:] == ((J, 1),)
    assert final(model, {"k": 0.4, "p": 0.0, "c": 1.3}) == pytest.approx(wanted, rel=1e-10)


@pytest.mark.parametrize(("domain", "rate"), [((0, 1), -2), ((1, 0), 2)])
def test_the_exact_reflection_turns_volumes_round(domain: Any, rate: int):
    """z' = -2 c from c, or z' = 2 c where the domain runs backward: z = -c and J = -1, where the divergence of the field is 0."""
    model = total_jacobian(scalar(rate * c, domain=domain), "y", "c", "J")
    values = {"k": 0.0, "p": 0.0, "c": [0.7, -1.2]}
    assert np.allclose(final(model, values, "y"), [-0.7, 1.2], rtol=1e-13)
    assert np.allclose(final(model, values), -1, rtol=1e-13)


@pytest.mark.parametrize("domain", [(0, 0.8), (0.8, 0)])
def test_a_linear_flow_has_the_exponential_as_its_jacobian(domain: Any):
    """Where the field does not see the start, J = D phi and log det J = S tr A."""
    model: Any = total_jacobian(Model({z: A @ z}, {z: x}, domain, [A], [x]), "z", "x", "J")
    matrix = np.array([[0.2, 0.5], [-0.3, 0.1]])
    length = domain[1] - domain[0]
    assert model.initial[1][1] == oda.eye(2)
    assert np.allclose(final(model, {"A": matrix, "x": [1.0, -0.3]}), expm(matrix * length), rtol=1e-9)
    volume = Problem(model, Objective(log_abs_det(model.states[1])))
    value, gradient = oda.value_and_gradient(volume, {"A": matrix, "x": [1.0, -0.3]}, rtol=1e-11, atol=1e-13)
    assert value == pytest.approx(length * np.trace(matrix), rel=1e-9)
    assert np.allclose(gradient["A"], length * np.eye(2), atol=1e-8) and np.allclose(gradient["x"], 0, atol=1e-9)


@pytest.mark.parametrize("names", [{}, {"W": oda.Legendre(3)}, {"V": oda.Fourier(3, period=p)}], ids=["constant", "varying", "learned"])
def test_it_is_the_derivative_of_the_solution(names: Any):
    """Against the derived gradient of each coordinate, for a network that sees its start, and for other names."""
    model = Model({z: V @ tanh(W @ z + s * k) + p * x}, {z: p * tanh(x)}, (0, 1), [V, W, p, k], [x])
    model = oda.galerkin(model, names)
    rng = np.random.default_rng(7)
    values = {leaf.name: 0.6 + 0.5 * rng.normal(size=getattr(leaf, "shape", ())) for leaf in model.names}
    for name in ("x", "p"):
        found = final(total_jacobian(model, "z", name, "J"), values)
        rows = [oda.value_and_gradient(Problem(model, Objective(z[i])), values, rtol=1e-11, atol=1e-13)[1][name] for i in range(2)]
        assert np.allclose(found, rows, rtol=1e-8, atol=1e-10)


def test_states_that_do_not_depend_on_the_name_may_drive_the_field():
    model = Model({y: r * y + c * k, r: -r}, {y: c, r: 1}, (0, 1), [k], [c])
    assert dict(total_jacobian(model, "y", "c", "J").field)[J] == r * J + k


def test_depths_that_move_are_brought_to_a_fixed_domain_first():
    """z' = 1 over the depth -2 c from c: z = -c and J = -1, of which 1 - 2 is the part of the end."""
    moving = Problem(oda.adaptive_depth(scalar(sp.Integer(1)), -2 * c), Objective())
    model = total_jacobian(oda.unit_domain(moving).model, "y", "c", "J")
    assert np.allclose(final(model, {"k": 0.0, "p": 0.0, "c": [0.5, -2.0]}), -1, rtol=1e-13)


# ---------------------------------------------------------------- determinants, recognition


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_determinants_are_written_out(size: int):
    matrix = oda.block("M", size, size)
    entries = sp.Matrix(size, size, explicit(matrix).items)
    written: Any = sp.exp(explicit(log_abs_det(matrix)).scalar)
    assert sp.expand(written.args[0] - entries.det()) == 0
    assert log_abs_det(J) == sp.log(sp.Abs(J))


@pytest.mark.parametrize("shape", [(2, 3), (5, 5), (2,), (N, N)])
def test_other_determinants_are_refused(shape: Any):
    with pytest.raises(ModelError, match="scalar or a square matrix of 1 to 4 rows"):
        log_abs_det(oda.block("M", *shape))


def test_what_total_jacobian_adds_is_known_again():
    model = total_jacobian(Model({z: tanh(A @ z) + x}, {z: x}, (0, 1), [A], [x]), "z", "x", "J")
    added = model.states[1]
    assert is_jacobian(model, added) and not is_jacobian(model, z)
    assert not is_jacobian(model.with_(initial={**dict(model.initial), added: oda.zeros(2, 2)}), added)
    assert not is_jacobian(model.with_(field={**dict(model.field), added: A @ added}), added)


def test_a_state_of_its_own_is_no_derivative_of_one_that_does_not_depend_on_the_name():
    assert not is_jacobian(Model({y: y, z: z}, {y: 0, z: oda.zeros(2)}, (0, 1), [], [x]), z)


# ---------------------------------------------------------------- refusals

MATRIX = oda.block("Z", 2, 2)
REFUSED: dict[str, Any] = {
    r"'w' is no state of 'model'": lambda: total_jacobian(scalar(-y), "w", "c", "J"),
    r"'w' is no parameter or input of 'model'": lambda: total_jacobian(scalar(-y), "y", "w", "J"),
    r"jacobian is 'k', a name that 'model' has already": lambda: total_jacobian(scalar(-y), "y", "c", "k"),
    r"jacobian is 'z' of shape \(2,\); give a name, or one of shape \(\)": lambda: total_jacobian(scalar(-y), "y", "c", z),
    r"'Z' of shape \(2, 2\), no scalar or vector": lambda: total_jacobian(
        Model({MATRIX: MATRIX}, {MATRIX: oda.eye(2)}, (0, 1), [k]), "Z", "k", "J"
    ),
    r"in 'c', which varies with depth": lambda: total_jacobian(oda.galerkin(scalar(-y * c), {"c": oda.Monomial(2)}), "y", "c", "J"),
    r"in 'c', which stands in the domain.*unit_domain": lambda: total_jacobian(scalar(-y, domain=(0, c)), "y", "c", "J"),
    r"in 'k', which stands in the breakpoints": lambda: total_jacobian(scalar(-y, breakpoints=[k]), "y", "k", "J"),
    r"in 'k', which stands in a condition on depth": lambda: total_jacobian(scalar(where(s < k, y, -y)), "y", "k", "J"),
    r"in 'p', which stands in a condition on depth": lambda: total_jacobian(oda.stacked(scalar(k * y), ["k"], [0, p, 1]), "y", "p", "J"),
    r"the field of 'y' depends on 'r', which depends on 'y' or 'c' itself.*join both": lambda: total_jacobian(
        Model({y: r, r: -y}, {y: c, r: 0}, (0, 1), [], [c]), "y", "c", "J"
    ),
    r"depends on 'r', which depends on 'y' or 'k'": lambda: total_jacobian(Model({y: r, r: -r}, {y: 1, r: k}, (0, 1), [k]), "y", "k", "J"),
    r"depends on 'p', which depends on 'y' or 'k'": lambda: total_jacobian(
        Model({y: r, r: p, p: k}, {y: 1, r: 1, p: 1}, (0, 1), [k]), "y", "k", "J"
    ),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_would_miss_a_part_is_refused(message: str):
    with pytest.raises(ModelError, match=message):
        REFUSED[message]()

"""Names that vary with depth: gradients in every basis, in scale and shift, in knots and nodes, against routes without our calculus."""

from typing import Any

import numpy as np
import pytest

import odeanalysis as oda
from odeanalysis.modeling.bases import Basis, Dilated, Fourier, Hat, Indicator, Legendre, Monomial, Radial, Spline
from odeanalysis.modeling.transforms import galerkin, stacked
from odeanalysis.modeling.values import bind
from odeanalysis.verification.independent import gradients as independent
from odeanalysis.verification.independent.compare import relative_difference
from tests.bases import BASES_TRIED, DOMAIN

s = oda.depth
y, k, u, a = (oda.block(name) for name in ("y", "k", "u", "a"))
c, d, p, q = (oda.block(name) for name in ("c", "d", "p", "q"))
times = oda.block("times", 4)
OBJECTIVE = oda.Objective(terminal=y**2, running=k**2 * y / 3 + u * y)


def model(*names: Any) -> oda.Model:
    """y' = u - k y + s^2/4, with a rate k and an input u; further names are parameters, or inputs where they are `times`."""
    return oda.Model(
        field={y: u - k * y + s**2 / 4},
        initial={y: a},
        domain=DOMAIN,
        parameters=[k, a, *(name for name in names if name != times)],
        inputs=[u, *(name for name in names if name == times)],
    )


def agrees(problem: oda.Problem, values: dict[str, Any]) -> None:
    """The value is that of SciPy on the statement, and the derived gradient that of complex steps, which differentiate nothing."""
    run = oda.solve_problem(problem, values)
    assert float(run.value) == pytest.approx(independent.value(problem, run.setting.bound), rel=1e-6)
    assert relative_difference(oda.DiscreteAdjoint().gradients(run), oda.ComplexStep().gradients(run)) < 1e-10


def agrees_with_differences(problem: oda.Problem, values: dict[str, Any]) -> None:
    """The derived gradient along a random direction is that of extrapolated differences of SciPy's losses, to their noise."""
    bound = bind(problem, values)
    _, gradient = oda.value_and_gradient(problem, values, rtol=1e-10, atol=1e-11)
    rng = np.random.default_rng(5)
    direction = {name: rng.normal(size=array.shape) for name, array in bound.arrays.items()}
    found = sum(np.sum(gradient[name] * direction[name]) for name in direction)
    assert found == pytest.approx(independent.directional(problem, bound, direction), rel=1e-7, abs=1e-8)


def drawn(*shape: int) -> Any:
    return np.random.default_rng(len(shape) + sum(shape)).normal(0, 0.6, shape)


@pytest.mark.parametrize("name", BASES_TRIED)
def test_gradients_in_every_basis(name: str):
    basis = BASES_TRIED[name].basis
    problem = oda.Problem(galerkin(model(), {k: basis, u: basis}), OBJECTIVE)
    agrees(problem, {"k": drawn(basis.terms), "u": drawn(2, basis.terms), "a": 0.4})


def test_every_name_may_have_a_basis_of_its_own():
    bases: dict[Any, Basis] = {"k": Fourier(3, period=2), u: Hat([0.5, 1.2, 2.5])}
    agrees(oda.Problem(galerkin(model(), bases), OBJECTIVE), {"k": drawn(3), "u": drawn(2, 3), "a": 0.4})


DILATED: dict[str, Basis] = {
    "fourier": Fourier(4, period=2),
    "legendre": Legendre(4),
    "monomial": Monomial(3),
    "hat, whose knots move": Hat([0.5, 1.1, 1.9]),
    "indicator, whose nodes move": Indicator([0.5, 0.9, 2]),
    "spline, whose knots move": Spline([0.5, 1.1, 2], degree=2),
    "radial": Radial([0.5, 1.5], width=0.7),
}


@pytest.mark.parametrize("name", DILATED)
def test_scale_and_shift_are_learned(name: str):
    """dell/dd has the part sum_j alpha_j dpsi_j/dd of `spectral-gradient`; where pieces move, their edges have a part too."""
    basis = Dilated(DILATED[name], scale=c, shift=d)
    problem = oda.Problem(galerkin(model(c, d), {k: basis}), OBJECTIVE)
    agrees(problem, {"k": drawn(basis.terms), "u": 0.3, "a": 0.4, "c": 1.15, "d": -0.2})


def test_scale_and_shift_of_hats_against_differences():
    problem = oda.Problem(galerkin(model(c, d), {k: Dilated(Hat([0.5, 1.1, 1.9]), scale=c, shift=d)}), OBJECTIVE)
    agrees_with_differences(problem, {"k": drawn(3), "u": 0.3, "a": 0.4, "c": 1.15, "d": -0.2})


# ---------------------------------------------------------------- knots and nodes that move


def test_values_and_knots_of_hats_are_learned():
    problem = oda.Problem(galerkin(model(p, q), {u: Hat([0.5, p, p + q, 2.5])}), OBJECTIVE)
    agrees_with_differences(problem, {"k": 0.7, "u": drawn(4), "a": 0.4, "p": 1.1, "q": 0.6})


def test_a_knot_may_leave_the_domain():
    problem = oda.Problem(galerkin(model(p), {u: Hat([p, 1, 2.5])}), OBJECTIVE)
    for at in (0.2, 0.8):
        agrees(problem, {"k": 0.7, "u": drawn(3), "a": 0.4, "p": at})


@pytest.mark.parametrize("basis", [Hat([0.5, p, 2.5]), Spline([0.5, p, 2.5], 1), Indicator([0.5, p, 2.5]), Dilated(Hat([0.5, p, 2.5]), 2)])
@pytest.mark.parametrize("domain", [DOMAIN, (a, 2.5), (2.5, a)])
def test_knots_that_do_not_increase_are_refused_for_each_sample(basis: Basis, domain: Any):
    problem = oda.Problem(galerkin(model(p).with_(domain=domain), {u: basis}), OBJECTIVE)
    values = {"k": 0.7, "u": drawn(basis.terms), "a": 0.4}
    assert np.isfinite(oda.value_and_gradient(problem, {**values, "p": [1.4, 0.6]})[0])
    for wrong in (0.3, 2.5, 3):
        with pytest.raises(oda.ModelError, match=r"for sample 1, not above .* so that the nodes increase"):
            oda.value_and_gradient(problem, {**values, "p": [1.4, wrong]})


def test_a_learned_knot_of_a_constant_signal_changes_nothing():
    problem = oda.Problem(galerkin(model(p), {u: Hat([0.5, p, 2.5])}), OBJECTIVE)
    _, gradient = oda.value_and_gradient(problem, {"k": 0.7, "u": [1, 1, 1], "a": 0.4, "p": 1.4})
    assert abs(gradient["p"]) < 1e-7 < abs(gradient["u"]).min()  # the steps move with the knot, and each errs by 1e-8


def test_irregular_data_have_knots_of_their_own_in_every_sample():
    """Signals that were sampled at other depths for each sample: the depths are an input with a batch. None stands at an end of the
    domain, where the second derivative of the loss jumps and differences lose their order."""
    problem = oda.Problem(galerkin(model(times), {u: Hat([times[i] for i in range(4)])}), OBJECTIVE)
    depths = [[0.4, 0.9, 1.4, 2.6], [0.6, 1.4, 1.7, 2.0], [0.1, 0.7, 2.2, 3.0]]
    agrees_with_differences(problem, {"k": 0.7, "u": drawn(3, 4), "a": 0.4, "times": depths})


def test_an_interpolated_input_is_that_of_numpy():
    """y' = u alone: y(S) is the area under the polygon through the data."""
    problem = oda.Problem(
        galerkin(
            oda.Model({y: u}, {y: 0}, DOMAIN, inputs=[u, times]),
            {u: Hat([times[i] for i in range(4)])},
        ),
        oda.Objective(terminal=y),
    )
    depths, signal = np.array([0.5, 0.9, 1.7, 2.5]), np.array([1.0, -2.0, 0.5, 3.0])
    value, gradient = oda.value_and_gradient(problem, {"u": signal, "times": depths})
    assert value == pytest.approx(np.trapezoid(signal, depths), rel=1e-12)
    assert np.allclose(gradient["u"], np.convolve(np.diff(depths), [0.5, 0.5]), rtol=1e-10)
    assert np.allclose(gradient["times"][1:-1], (signal[:-2] - signal[2:]) / 2, rtol=1e-10)


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_values_and_knots_of_splines_are_learned(degree: int):
    basis = Spline([0.5, p, q, 2.5], degree=degree)
    problem = oda.Problem(galerkin(model(p, q), {u: basis}), OBJECTIVE)
    agrees(problem, {"k": 0.7, "u": drawn(basis.terms), "a": 0.4, "p": 1.1, "q": 1.8})


def test_splines_at_learned_knots_are_those_at_numbers():
    basis = Spline([0.5, p, q, 2.5])
    learned, fixed = basis.functions(s, DOMAIN), Spline([0.5, 1.1, 1.8, 2.5]).functions(s, DOMAIN)
    at = {p: 1.1, q: 1.8}
    for one, two in zip(learned, fixed, strict=True):
        assert [float(one.subs(at).subs(s, x)) for x in (0.6, 1.5, 2.2)] == pytest.approx([float(two.subs(s, x)) for x in (0.6, 1.5, 2.2)])


@pytest.mark.parametrize("domain", [DOMAIN, DOMAIN[::-1]], ids=["forward", "backward"])
@pytest.mark.parametrize("form", ["stacked", "indicator"])
def test_nodes_are_learned(form: str, domain: Any):
    """Where a cost, the initial value and an observation see the name too, and for each sample a node of its own."""
    nodes = [0.5, p, p + q, 2.5]
    free = model(p, q).with_(domain=domain, initial={y: a + k / 2})
    varied = stacked(free, ["k"], nodes) if form == "stacked" else galerkin(free, {"k": Indicator(nodes)})
    objective = oda.Objective(terminal=k * y**2, running=OBJECTIVE.running, observations=(oda.Observation([1, 2.1], y**2 * k),))
    agrees_with_differences(oda.Problem(varied, objective), {"k": drawn(3), "u": 0.3, "a": 0.4, "p": [1.2, 0.8], "q": 0.5})


def test_the_gradient_in_a_node_is_the_jump_of_the_hamiltonian():
    """dell/ds_i = a(s_i) (f_{i-1} - f_i) + l_{i-1} - l_i, in closed form: y' = -k y, l = k^2 y^2, y(0) = 1."""
    free = oda.Model({y: -k * y}, {y: 1}, (0, 2), parameters=[k, p])
    problem = oda.Problem(stacked(free, ["k"], [0, p, 2]), oda.Objective(running=k**2 * y**2))
    first, last, node = 0.9, 0.3, 0.8
    _, gradient = oda.value_and_gradient(problem, {"k": [first, last], "p": node}, rtol=1e-11, atol=1e-12)
    there, rest = np.exp(-first * node), np.exp(-2 * last * (2 - node))
    costate = last * there * (1 - rest)
    wanted = costate * (last - first) * there + (first**2 - last**2) * there**2
    assert gradient["p"] == pytest.approx(wanted, rel=1e-9)


# ---------------------------------------------------------------- model files

HEAD = """
domain = [0.5, 2.5]
[state]
y = []
[parameters]
k = []
a = []
c = []
d = []
[field]
y = "-k*y"
[initial]
y = "a"
[objective]
terminal = "y"
[[transforms]]
kind = "galerkin"
parameters = ["k"]
"""
TABLES: dict[str, Basis] = {
    'basis = "indicator"\nnodes = [0.5, "c", 2.5]': Indicator([0.5, c, 2.5]),
    'basis = "spline"\nknots = [0.5, "c", 2.5]\ndegree = 1': Spline([0.5, c, 2.5], 1),
    'basis = "hat"\nknots = [0.5, 1, 2.5]\nscale = "c"\nshift = "d/2"': Dilated(Hat([0.5, 1, 2.5]), c, d / 2),
    'basis = "legendre"\nterms = 3\nscale = 2': Dilated(Legendre(3), 2),
    'basis = "fourier"\nterms = 3\nperiod = 2\nshift = 0.25': Dilated(Fourier(3, 2), 1, 0.25),
}


@pytest.mark.parametrize("table", TABLES)
def test_a_table_equals_the_basis_in_python(table: str):
    stated = oda.Model({y: -k * y}, {y: a}, DOMAIN, parameters=[k, a, c, d])
    assert oda.loads(HEAD + table) == oda.Problem(galerkin(stated, {"k": TABLES[table]}), oda.Objective(terminal=y))


WRONG = {
    'basis = "hat"\nknots = [0.5, 2]\nscale = 0': r"transforms\[0\]: scale is 0; give a number above 0",
    'basis = "hat"\nknots = [0.5, 2]\nscales = 2': r"transforms\[0\].* has the key 'scales', which means nothing there; did you mean",
    'basis = "indicator"\nknots = [0.5, 2]': r"transforms\[0\] \(basis 'indicator'\) has the key 'knots'",
    'basis = "indicator"': r"transforms\[0\] \(basis 'indicator'\) has no nodes; add nodes",
}


@pytest.mark.parametrize("table", WRONG)
def test_a_table_that_is_wrong_is_refused(table: str):
    with pytest.raises(oda.ModelError, match=WRONG[table]):
        oda.loads(HEAD + table)

"""Implicit steps on tensors: values, gradients and derivatives of these are those of `odeanalysis`, of closed forms and of SciPy."""

from functools import cache

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

import odeanalysis as oda
from tests.cases import CASES
from tests.torchbridge.solved import AGREED, difference, expected, gradients, hessian_times, on_arrays, on_tensors, tensors
from tests.torchbridge.test_agreement import ADAPTIVE, ALIKE, CROSSING, RAGGED, WAYS
from tests.torchbridge.test_derivatives import loss
from tests.torchbridge.test_failing import BAD, FAILING, GOOD, good_alone
from torchbridge import Backsolve, ContinuousAdjoint, DiscreteAdjoint, NeuralODE, Reversible, StatedODE, integrate
from torchbridge.fields import DepthConcat, Stacked
from torchbridge.problems.solving import solve
from torchbridge.solvers.solve import Steps
from torchbridge.steps.newton import _constant

METHODS = ("radau", "kvaerno5")
FEW = {method: oda.Settings(method, steps=3) for method in METHODS}
LOOSE = {method: oda.Settings(method, rtol=1e-4, atol=1e-6) for method in METHODS}
z, x, k, w, s = oda.block("z"), oda.block("x"), oda.block("k"), oda.block("w"), oda.depth


# ---------------------------------------------------------------- beside the arrays


@pytest.mark.parametrize("name", CASES)
def test_of_fixed_steps(name):
    case = CASES[name]
    assert difference(on_tensors(case.problem(), case.values(), FEW["radau"]), expected(name, FEW["radau"])) < AGREED


@pytest.mark.parametrize("name", [name for name in CASES if name not in CROSSING])
def test_of_adaptive_steps_of_each_samples_own(name):
    case, chosen = CASES[name], oda.Settings("radau", rtol=ADAPTIVE.rtol, atol=ADAPTIVE.atol)
    assert difference(on_tensors(case.problem(), case.values(), chosen), expected(name, chosen)) < AGREED


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("method", "name"), [*(("radau", name) for name in RAGGED), ("kvaerno5", "some_of_zero_length")])
def test_of_memory_plans_where_samples_end_apart(method, name, way):
    case = CASES[name]
    assert difference(on_tensors(case.problem(), case.values(), LOOSE[method], WAYS[way]), expected(name, LOOSE[method])) < AGREED


@pytest.mark.parametrize(("method", "name"), [*(("radau", name) for name in ALIKE), ("kvaerno5", "network_batch")])
def test_common_steps_have_one_gradient_by_all_ways(method, name):
    """Reversed, they are those of another method, which is close."""
    case = CASES[name]
    found = [on_tensors(case.problem(), case.values(), LOOSE[method], way, own_steps=False) for way in WAYS.values()]
    assert max(difference(one, found[-1]) for one in found) < 1e-12
    reversible = on_tensors(case.problem(), case.values(), LOOSE[method], DiscreteAdjoint(Reversible()), own_steps=False)
    assert 1e-12 < difference(reversible, found[-1]) < 1e-2


@pytest.mark.parametrize("name", ["network_batch", "everything_moves"])
@pytest.mark.parametrize("method", METHODS)
def test_in_float32(method, name):
    case, chosen = CASES[name], oda.Settings(method, steps=5)
    assert difference(on_tensors(case.problem(), case.values(), chosen, dtype=torch.float32), expected(name, chosen)) < 2e-5


def test_compiled_loops_take_the_same_steps():
    case, chosen = CASES["closed_form"], LOOSE["radau"]
    assert difference(on_tensors(case.problem(), case.values(), chosen, target="loops"), expected("closed_form", chosen)) < AGREED


def test_recorded_steps_are_taken_again():
    module = StatedODE(CASES["network_batch"].problem(), method="kvaerno5", rtol=1e-5, atol=1e-7, replay=True, dtype=torch.float64)
    data = [torch.tensor(one) for name, one in CASES["network_batch"].values().items() if not hasattr(module, name)]
    found = [torch.autograd.grad(module.loss(*data), list(module.parameters())) for _ in range(3)]
    assert (module.statistics["recordings"], module.statistics["replays"]) == (1, 2)
    for one, other in zip(found[1], found[2], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=0)


# ---------------------------------------------------------------- derivatives


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("method", "name"), [("radau", "everything_moves"), ("kvaerno5", "some_of_zero_length"), ("radau", "network_batch")]
)
def test_first_and_second_derivatives_are_differences_of_the_steps(method, name, way):
    value, entries = loss(name, oda.Settings(method, steps=2), WAYS[way])
    assert torch.autograd.gradcheck(value, entries, fast_mode=True)
    assert torch.autograd.gradgradcheck(value, entries, fast_mode=True)


@pytest.mark.parametrize("name", ["everything_moves", "adaptive"])
@pytest.mark.parametrize("method", METHODS)
def test_hessians_times_vectors_are_one_by_all_ways(method, name):
    problem, values = CASES[name].problem(), CASES[name].values()
    draw = np.random.default_rng(5)
    direction = {key: draw.normal(size=np.shape(value)) for key, value in values.items()}
    found = [hessian_times(problem, values, LOOSE[method], way, direction) for way in WAYS.values()]
    for one in found[1:]:
        for key in one:
            np.testing.assert_allclose(one[key], found[0][key], rtol=AGREED, atol=AGREED)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["stated", "field"])
def test_the_third_derivative_of_a_linear_field_is_that_of_the_methods_quotient(kind, way):
    """N steps of Radau IIA with three stages multiply by R(theta h)^N, R the (2, 3) Pade approximant of the exponential function."""
    given, exact = (torch.tensor(-0.7, dtype=torch.float64, requires_grad=True) for _ in range(2))
    if kind == "stated":
        problem = oda.Problem(oda.Model({z: k * z}, {z: 1}, (0, 2), [k]), oda.Objective(z))
        value = solve(problem, {"k": given}, oda.Settings("radau", steps=4), WAYS[way]).value
    else:
        start, steps = torch.ones(1, dtype=torch.float64), Steps(4)
        how = {"method": "radau", "steps": steps, "sensitivity": WAYS[way], "names": [given]}
        value = integrate(lambda s, blocks: (given * blocks[0],), (start,), [0, 2], **how)[0][0][-1].sum()
    y = exact / 2
    quotient = ((1 + 2 * y / 5 + y**2 / 20) / (1 - 3 * y / 5 + 3 * y**2 / 20 - y**3 / 60)) ** 4
    for _ in range(4):
        assert value.item() == pytest.approx(quotient.item(), rel=1e-12)
        value, quotient = (torch.autograd.grad(of, by, create_graph=True)[0] for of, by in ((value, given), (quotient, exact)))


# ---------------------------------------------------------------- samples

NET = oda.Problem(
    oda.Model({z: oda.sin(k * z) + s * x}, {z: x}, (0, w), [k], [x, w]),
    oda.Objective(z**2, k * z, (oda.Observation((0, w / 3), (z - k) ** 2),)),
    "sum",
)
ROWS = {"x": np.array([0.5, -1.5, 3.0]), "w": np.array([1.0, -2.0, 4.0])}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("method", METHODS)
def test_a_batch_is_its_samples(method, way):
    together = tensors({"k": 0.8, **ROWS})
    run = solve(NET, together, LOOSE[method], WAYS[way])
    found, total = gradients(run.value, together), 0
    for b in range(3):
        given = tensors({"k": 0.8, **{name: rows[b : b + 1] for name, rows in ROWS.items()}})
        alone = solve(NET, given, LOOSE[method], WAYS[way])
        assert alone.trace.statistics.accepted[0] == run.trace.statistics.accepted[b]
        assert alone.losses.item() == pytest.approx(run.losses[b].item(), rel=1e-12)
        own = gradients(alone.value, given)
        assert [own[name][0] for name in ROWS] == pytest.approx([found[name][b] for name in ROWS], rel=1e-10, abs=1e-12)
        total = total + own["k"]
    assert found["k"] == pytest.approx(total, rel=1e-11)
    assert len(set(run.trace.statistics.accepted.tolist())) == 3


@pytest.mark.parametrize("steps", ["fixed", "adaptive"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", FAILING)
def test_the_others_go_on_where_a_sample_fails(name, way, steps):
    stated, values = FAILING[name]
    given, chosen = (
        tensors(values),
        {"fixed": oda.Settings("radau", steps=30), "adaptive": oda.Settings("radau", rtol=1e-3, atol=1e-5)}[steps],
    )
    found = solve(stated, given, chosen, WAYS[way], throw=False)
    assert found.statistics["failed"] == [BAD] and found.losses.isnan().tolist() == [False, True, False]
    alone = on_tensors(stated, good_alone(values), chosen, WAYS[way])
    total = found.losses[GOOD].sum()
    assert total.item() == pytest.approx(alone.value, rel=AGREED)
    slopes = gradients(total, given)
    for key, gradient in alone.gradients.items():
        rows = slopes[key][GOOD] if key in ("x", "w") else slopes[key]
        np.testing.assert_allclose(rows, gradient, rtol=AGREED, atol=AGREED)


# z' = z^2 from 0.5 and 4: a step of 1/2 has stages for the first alone, one of 0.05 for both
ROOTS = oda.Problem(oda.Model({z: k * z**2}, {z: x}, (0, 0.2), [k], [x]), oda.Objective(z))


@pytest.mark.parametrize("method", METHODS)
def test_a_step_without_stages_is_told_or_taken_again_with_less(method):
    """z' = k z^2 has z = x / (1 - k s x)."""
    values = {"k": 10.0, "x": [0.1, 0.4]}
    with pytest.raises(oda.SolveError, match=r"a step ends in a state that is not finite at depth 0 of sample 1; end the domain") as told:
        solve(ROOTS, values, oda.Settings(method, steps=1))
    assert (told.value.depth, told.value.sample) == (0, 1)
    run = solve(ROOTS, values, oda.Settings(method, rtol=1e-9, atol=1e-11))
    exact = np.array([0.1, 0.4]) / (1 - 2 * np.array([0.1, 0.4]))
    assert run.losses.numpy() == pytest.approx(exact, rel=1e-7)


# ---------------------------------------------------------------- stiff problems

u, v, mu = oda.block("u"), oda.block("v"), oda.block("mu")
POL = oda.Problem(
    oda.Model({u: v, v: mu * (1 - u**2) * v - u}, {u: 2, v: x}, (0, 5), [x], [mu], name="oscillator"), oda.Objective(u**2 + v, u), "sum"
)
STIFFNESS = np.array([1.0, 50.0, 1000.0])


@cache
def oscillating(mu):
    """Van der Pol's u(5) and v(5), by SciPy."""
    return solve_ivp(lambda s, y: [y[1], mu * (1 - y[0] ** 2) * y[1] - y[0]], (0, 5), [2, 0], "Radau", rtol=1e-11, atol=1e-12).y[:, -1]


@pytest.mark.parametrize("method", METHODS)
def test_samples_of_different_stiffness(method):
    values, chosen = {"x": 0.0, "mu": STIFFNESS}, oda.Settings(method, rtol=1e-5, atol=1e-7)
    given = tensors(values)
    run = solve(POL, given, chosen)
    exact = np.array([oscillating(one) for one in STIFFNESS]).T
    for name, known in zip("uv", exact, strict=True):
        np.testing.assert_allclose(run.final[name].detach().numpy(), known, rtol=1e-3, atol=1e-5)
    known = on_arrays(POL, values, chosen)
    assert run.value.item() == pytest.approx(known.value, rel=1e-9)
    for key, gradient in gradients(run.value, given).items():
        np.testing.assert_allclose(gradient, known.gradients[key], rtol=1e-7)
    assert run.statistics["steps"] < 500 and not run.statistics["stiff"]


@pytest.mark.parametrize("way", ["all stages kept", "checkpoints", "autograd"])
@pytest.mark.parametrize("method", METHODS)
def test_kinetics_over_nine_orders_of_magnitude(method, way):
    """Robertson's, each rate by itself: their gradients differ by ten orders of magnitude."""
    a, b, c, k1, k2, k3 = (oda.block(name) for name in ("a", "b", "c", "k1", "k2", "k3"))
    field = {a: -k1 * a + k3 * b * c, b: k1 * a - k2 * b**2 - k3 * b * c, c: k2 * b**2}
    problem = oda.Problem(oda.Model(field, {a: 1, b: 0, c: 0}, (0, 100), (k1, k2, k3)), oda.Objective(oda.log(c) + a))
    values, chosen = {"k1": 0.04, "k2": 3e7, "k3": 1e4}, oda.Settings(method, rtol=1e-5, atol=1e-9)
    found, known = on_tensors(problem, values, chosen, WAYS[way]), on_arrays(problem, values, chosen)
    assert found.value == pytest.approx(known.value, rel=1e-10)
    for name, gradient in known.gradients.items():
        assert found.gradients[name] == pytest.approx(gradient, rel=1e-8)


# ---------------------------------------------------------------- fields that are callables


def network(inputs=2):
    torch.manual_seed(0)
    layers = torch.nn.Sequential(torch.nn.Linear(inputs, 6), torch.nn.Tanh(), torch.nn.Linear(6, 2))
    return layers.double()


def module(method, way=None, **options):
    """A field with a running cost, pieces that meet at a node that is trained, and ends of every sample's own where asked for."""
    pieces = Stacked([DepthConcat(network(3)), network()], nodes=[0, 0.4, 1], trainable=True)
    options = {"rtol": 1e-9, "atol": 1e-10, **options}
    return NeuralODE(pieces, running=lambda z: z.square().sum(1), method=method, sensitivity=way or DiscreteAdjoint(), **options).double()


def differentiated(one, again=False):
    start = torch.tensor([[0.5, -1.0], [1.5, 0.3], [-0.2, 0.9]], dtype=torch.float64, requires_grad=True)
    state, cost = one(start, at=[0.2, 0.9])
    value, wanted = (state.square().sum((0, 2)) + cost.sum(0)).sum(), [start, *one.parameters()]
    found = torch.autograd.grad(value, wanted, create_graph=again)
    if again:
        found = torch.autograd.grad(torch.stack([each.square().sum() for each in found]).sum(), wanted)
    return [value.detach(), *found]


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("ends", ["common", "own"])
@pytest.mark.parametrize("method", METHODS)
def test_modules_are_solved_as_by_explicit_steps(method, ends, again):
    options = {} if ends == "common" else {"domain": (0.0, lambda z: 1 - z[:, 0].square() / 40)}
    for one, other in zip(*(differentiated(module(name, **options), again) for name in (method, "tsit5")), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_modules_have_one_gradient_by_all_ways(method):
    found = [differentiated(module(method, way, rtol=1e-3, atol=1e-4)) for way in WAYS.values()]
    for one in found[1:]:
        for left, right in zip(one, found[0], strict=True):
            torch.testing.assert_close(left, right, rtol=1e-11, atol=1e-12)


def test_a_solve_that_autograd_never_sees_leaves_later_ones_alone():
    """What is kept of a method from solve to solve is made in the first of them."""
    one, start = NeuralODE(network(), method="radau", steps=3), torch.ones(2, 2).double()
    _constant.cache_clear()
    with torch.inference_mode():
        known = one(start)
    for way in (DiscreteAdjoint(), WAYS["autograd"]):
        found = NeuralODE(one.field, method="radau", steps=3, sensitivity=way)(start)
        torch.testing.assert_close(found.detach(), known.clone(), rtol=1e-13, atol=0)
        found.sum().backward()


def test_a_batch_of_no_samples():
    start = torch.zeros((0, 2), dtype=torch.float64, requires_grad=True)
    found = NeuralODE(network(), method="radau", steps=3)(start)
    found.sum().backward()
    assert found.shape == start.shape and start.grad is not None and start.grad.shape == start.shape


def test_a_state_without_samples_is_one_vector():
    """z' = A z with A that mixes all entries: as a batch of numbers its derivatives would be others."""
    matrix = torch.tensor([[-1.0, 2.0], [-3.0, -500.0]], dtype=torch.float64)
    start = torch.tensor([1.0, 0.5], dtype=torch.float64, requires_grad=True)
    (found,), _ = integrate(lambda s, blocks: (matrix @ blocks[0],), (start,), [0.0, 1.0], method="radau", steps=Steps(40))
    known = torch.linalg.matrix_exp(matrix)
    torch.testing.assert_close(found[-1], known @ start, rtol=1e-4, atol=1e-8)
    torch.testing.assert_close(torch.autograd.grad(found[-1].sum(), start)[0], known.sum(0), rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize("steps", [Steps(5), Steps()])
@pytest.mark.parametrize("method", METHODS)
def test_evaluations_are_those_of_the_field(method, steps):
    """Those that a Jacobian takes are followed by autograd, and not counted, as in `odeanalysis`; two look at the start."""
    calls = []

    def field(depth, blocks):
        calls.append(torch.is_grad_enabled())
        return (torch.sin(blocks[0]) - depth,)

    with torch.no_grad():
        _, trace = integrate(field, (torch.ones(3, 2),), [0.0, 1.0], method=method, steps=steps)
    assert trace.statistics.evaluations.tolist() == [calls.count(False)]


# ---------------------------------------------------------------- what is refused


def test_samples_that_see_each_other():
    one = NeuralODE(torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2)), method="radau", steps=2)
    start = torch.randn(5, 2, generator=torch.Generator().manual_seed(0))
    with pytest.raises(
        oda.ModelError, match=r"lets a sample of the batch see another, .* 'radau' solves for each by itself; take an explicit"
    ):
        one(start)
    assert one.eval()(start).shape == (5, 2)


def test_complex_states():
    with pytest.raises(oda.ModelError, match=r"'kvaerno5' takes real states; give real and imaginary parts a block each, or take tsit5"):
        integrate(lambda s, blocks: (1j * blocks[0],), (torch.ones(1, dtype=torch.complex128),), [0, 1], method="kvaerno5", steps=Steps(2))


@pytest.mark.parametrize("way", [ContinuousAdjoint(), Backsolve()])
@pytest.mark.parametrize("method", METHODS)
def test_the_costate_equation_beside_implicit_steps(method, way):
    field, stated = (NeuralODE(one, method=method, sensitivity=way).double() for one in (network(), ROOTS))
    for call in (lambda: field(torch.ones(3, 2).double()), lambda: stated(torch.ones(3).double())):
        with pytest.raises(oda.ModelError, match=f"'{way.name}' takes explicit methods, and '{method}' is none; take DiscreteAdjoint"):
            call()

"""Opaque networks inside stated models, bound to torch modules: beside fields that are modules, and beside stated formulas."""

import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import odeanalysis as oda
from odeanalysis.errors import ModelError, TargetError
from odeanalysis.modeling.networks import Declared
from odeanalysis.numerics.gradients.program import summed
from odeanalysis.symbolic.calculus.forward import jvp
from odeanalysis.symbolic.calculus.reverse import vjp
from odeanalysis.symbolic.nodes import shape_of
from odeanalysis.targets.callables import compile_numpy
from odeanalysis.verification.independent.compare import relative_difference
from tests.targets.bound import NET, ByHand, stated
from tests.targets.formulas import sizes
from torchbridge import Checkpointed, ContinuousAdjoint, Direct, DiscreteAdjoint, Full, NeuralODE, solve
from torchbridge.callables import compile_torch
from torchbridge.networks import Applied, OnTensors, weights_of

ROUNDING = 1e-12  # relative, of the same steps: sums in another order
SHAPE = (3, 8, 8)
s = oda.depth
z, x, k = oda.block("z", *SHAPE), oda.block("x", *SHAPE), oda.block("k")
CONV = oda.Network("conv", [SHAPE], SHAPE)
IMAGES = oda.Model({z: CONV(z) - k * CONV((1 + s) * z)}, {z: x}, (0, 1), [k, CONV.weights], [x], name="images")
SENSITIVITIES = {
    "discrete": DiscreteAdjoint(),
    "stages again": DiscreteAdjoint(Full(stages=False)),
    "checkpointed": DiscreteAdjoint(Checkpointed()),
    "direct": Direct(),
}


def convolution() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Tanh(), nn.GroupNorm(2, 4), nn.Conv2d(4, 3, 3, padding=1)).double()


class Images(nn.Module):
    """The field of the model as a module."""

    def __init__(self, conv: nn.Module):
        super().__init__()
        self.conv, self.k = conv, nn.Parameter(torch.tensor(0.3, dtype=torch.float64))

    def forward(self, s: Tensor, z: Tensor) -> Tensor:
        return self.conv(z) - self.k * self.conv((1 + s) * z)


def images(**options: Any) -> NeuralODE:
    return NeuralODE(IMAGES, networks={"conv": convolution()}, values={"k": 0.3}, dtype=torch.float64, **options)


def drawn(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def found(module: NeuralODE, *inputs: Tensor) -> list[Tensor]:
    """The state at the end, and the gradients of a cost in the inputs and in all parameters, those of a module by its names."""
    given = [one.clone().requires_grad_() for one in inputs]
    state = module(*given)
    (state.square().sum() + state.sum()).backward()
    named = {name.removeprefix("field."): one.grad for name, one in module.named_parameters()}
    found = [state.detach(), *(one.grad for one in given), *(named[name] for name in sorted(named))]
    assert all(one is not None for one in found)
    return [one for one in found if one is not None]


def worst(one: list[Tensor], other: list[Tensor]) -> float:
    found, known = ({str(i): value.numpy() for i, value in enumerate(values)} for values in (one, other))
    return relative_difference(found, known)


# ---------------------------------------------------------------- beside a field that is a module


@pytest.mark.parametrize("samples", [1, 5])
@pytest.mark.parametrize("method", ["rk4", "tsit5"])
@pytest.mark.parametrize("sensitivity", SENSITIVITIES)
def test_a_convolution_in_a_stated_field_is_one_in_a_module(sensitivity: str, method: str, samples: int):
    """It is used twice, once of a factor that varies with depth."""
    options: dict[str, Any] = {"method": method, "steps": 4, "sensitivity": SENSITIVITIES[sensitivity]}
    ours, theirs = images(**options), NeuralODE(Images(convolution()), **options)
    assert worst(found(ours, drawn(samples, *SHAPE)), found(theirs, drawn(samples, *SHAPE))) < ROUNDING


def test_one_sample_needs_no_batch_axis():
    ours = images(method="rk4", steps=3)
    alone = [one.clone() for one in found(ours, drawn(*SHAPE))]
    ours.zero_grad()
    batched = found(ours, drawn(*SHAPE)[None])
    assert worst([alone[0][None], alone[1][None], *alone[2:]], batched) < ROUNDING


@pytest.mark.parametrize("own_steps", [True, False])
def test_steps_that_control_the_error(own_steps: bool):
    """Samples with steps of their own have depths of their own; the continuous adjoint agrees up to the tolerances."""
    options: dict[str, Any] = {"rtol": 1e-6, "atol": 1e-8, "own_steps": own_steps, "method": "dopri5"}
    exact, fine = found(images(**options), drawn(2, *SHAPE)), found(images(method="rk4", steps=50), drawn(2, *SHAPE))
    assert worst(exact, fine) < 1e-6
    assert worst(found(images(**options, sensitivity=ContinuousAdjoint()), drawn(2, *SHAPE)), fine) < 1e-6


# ---------------------------------------------------------------- beside a stated formula


class Known(nn.Module):
    """The network of `tests/targets/bound.py`."""

    def __init__(self, weights: Any):
        super().__init__()
        self.first = nn.Parameter(torch.as_tensor(weights[:2]))
        self.last = nn.Parameter(torch.as_tensor(weights[2:]))

    def forward(self, u: Tensor, v: Tensor) -> Tensor:
        row = u[:, None]
        return torch.tanh(self.first[0] * v[:, :, None] * row + self.first[1] * row) + self.last * v[:, :, None] ** 2


u, v, U, V, w = oda.block("u", 3), oda.block("v", 2), oda.block("U", 3), oda.block("V", 2), NET.weights
RNG = np.random.default_rng(5)
VALUES = {"net_weights": RNG.normal(size=3), "k": 0.4, "U": RNG.normal(size=(4, 3)), "V": RNG.normal(size=(4, 2))}


def pair(build: Callable[[Any], oda.Problem]) -> tuple[oda.Problem, oda.Problem]:
    return build(lambda a, b: NET(a, b)), build(lambda a, b: stated(a, b, w))


def of_vectors(net: Any) -> oda.Problem:
    """The network in the field, in the initial value, in a running cost, in an observation and at the end."""
    field = {u: net(u, v)[0] - k * net(u * s, v)[1], v: k * net(u, v) @ u}
    model = oda.Model(field, {u: U + net(U, V)[1], v: V}, (0, 1), [k, w], [U, V])
    seen = oda.Observation((0.5,), oda.sumsq(net(u, v)), ())
    return oda.Problem(model, oda.Objective(oda.sum(net(u, v) ** 2), oda.sum(net(u, v)), (seen,)))


def varying(net: Any) -> oda.Problem:
    """Weights that vary with depth."""
    problem = of_vectors(net)
    return oda.Problem(oda.galerkin(problem.model, {w: oda.Fourier(3, period=1)}), problem.objective)


def flow(net: Any) -> oda.Problem:
    """A field that contains derivatives of the network: n of them along units for the divergence."""
    model = oda.Model({u: net(u, V)[0] - k * u}, {u: U}, (0, 1), [k, w], [U, V])
    return oda.Problem(oda.flow(model, u, "log_det"), oda.Objective(oda.sumsq(u) + oda.block("log_det") ** 2))


def gradients_of(tensors: dict[str, Tensor]) -> dict[str, Any]:
    return {name: np.asarray(one.grad) for name, one in tensors.items()}


CASES = {
    "in every place": (of_vectors, VALUES),
    "weights of each sample": (of_vectors, {**VALUES, "net_weights": RNG.normal(size=(4, 3))}),
    "weights that vary with depth": (varying, {**VALUES, "net_weights": RNG.normal(size=(3, 3))}),
    "one sample": (of_vectors, {**VALUES, "U": VALUES["U"][0], "V": VALUES["V"][0]}),
    "divergence": (flow, VALUES),
}
RK4 = oda.Settings("rk4", steps=5)


@pytest.mark.parametrize("sensitivity", SENSITIVITIES)
@pytest.mark.parametrize("case", CASES)
def test_a_module_is_what_its_formula_states(case: str, sensitivity: str):
    build, values = CASES[case]
    opaque, known = pair(build)
    tensors = {name: torch.tensor(value, dtype=torch.float64, requires_grad=True) for name, value in values.items()}
    solved = solve(opaque, tensors, RK4, SENSITIVITIES[sensitivity], networks={"net": Known(np.zeros(3))})
    solved.value.backward()
    value, gradients = oda.value_and_gradient(known, values, method="rk4", steps=5)
    assert abs(float(solved.value.detach()) - value) < ROUNDING * max(1, abs(value))
    assert relative_difference(gradients_of(tensors), gradients) < 1e-10


@pytest.mark.parametrize("case", [name for name in CASES if name != "divergence"])
@pytest.mark.parametrize("sensitivity", ["discrete", "adjoint", "forward", "complex step"])
def test_an_object_on_arrays_is_what_its_formula_states(case: str, sensitivity: str):
    build, values = CASES[case]
    opaque, known = pair(build)
    way = oda.SENSITIVITIES[sensitivity]
    ours = oda.evaluate(opaque, values, RK4, way, networks={"net": ByHand()})
    theirs = oda.evaluate(known, values, RK4, way)
    assert abs(ours.value - theirs.value) < ROUNDING * max(1, abs(theirs.value))
    assert relative_difference(ours.gradients, theirs.gradients) < 1e-10


FORMULAS = [lambda net: net(u * u, v)[0] * u, lambda net: net(net(u, v)[0], v)]
DERIVED = {"value": lambda f: f, "vjp": vjp, "jvp": jvp, "summed": lambda f: summed(vjp(f), frozenset(("v", "net_weights")))}
TWICE = {"vjp": vjp, "jvp": jvp}


@pytest.mark.parametrize("moving", [(), ("u",), ("net_weights",), ("_bar_y", "_dot_u"), ("u", "_bar_y", "_dot_v"), None], ids=str)
@pytest.mark.parametrize("derived", [*DERIVED, "vjp vjp", "vjp jvp", "jvp vjp", "jvp jvp"])
@pytest.mark.parametrize("build", FORMULAS)
def test_derivatives_of_every_kind_with_every_batch(build: Any, derived: str, moving: tuple[str, ...] | None):
    """Of both orders; whichever of the values have batch axes (None: all), with autograd on and off."""
    first, *second = derived.split()
    programs = [DERIVED[first](oda.formula("f", [u, v, w], {"y": build(net)})) for net in (NET, lambda a, b: stated(a, b, w))]
    opaque, known = (TWICE[second[0]](one) if second else one for one in programs)
    rng = np.random.default_rng(3)
    values = [rng.normal(size=((2, 3) if moving is None or leaf.name in moving else ()) + sizes(shape_of(leaf))) for leaf in known.inputs]
    network = OnTensors((1, 1, 1), 2, Applied(Declared("net", ((3,), (2,), (3,)), (2, 3), True), Known(np.zeros(3))))
    for follow in (True, False):
        with torch.set_grad_enabled(follow):
            tensors = [torch.tensor(value, requires_grad=follow) for value in values]
            results = compile_torch(opaque)(*tensors, network)
        for found, expected in zip(results, compile_numpy(known)(*values), strict=True):
            np.testing.assert_allclose(found.detach().numpy(), expected, rtol=1e-11, atol=1e-12)


def test_hutchinson_estimates_the_divergence_with_one_product():
    def estimated(net: Any) -> oda.Problem:
        model = oda.Model({u: net(u, V)[0] - k * u}, {u: U}, (0, 1), [k, w], [U, V])
        return oda.Problem(oda.flow(model, u, "log_det", "eps"), oda.Objective(oda.sumsq(u) + oda.block("log_det")))

    opaque, known = pair(estimated)
    values = {**VALUES, "eps": RNG.choice([-1.0, 1.0], size=(4, 3))}
    tensors = {name: torch.tensor(value, dtype=torch.float64, requires_grad=True) for name, value in values.items()}
    solve(opaque, tensors, RK4, networks={"net": Known(np.zeros(3))}).value.backward()
    _, gradients = oda.value_and_gradient(known, values, method="rk4", steps=5)
    assert relative_difference(gradients_of(tensors), gradients) < 1e-10


def test_a_stiff_method_has_the_jacobian_along_units():
    opaque, known = pair(of_vectors)
    tensors = {name: torch.tensor(value, dtype=torch.float64, requires_grad=True) for name, value in VALUES.items()}
    solve(opaque, tensors, oda.Settings("rosenbrock23", steps=4), networks={"net": Known(np.zeros(3))}).value.backward()
    _, gradients = oda.value_and_gradient(known, VALUES, method="rosenbrock23", steps=4)
    assert relative_difference(gradients_of(tensors), gradients) < 1e-10


# ---------------------------------------------------------------- derivatives of derivatives


@pytest.mark.parametrize("case", ["in every place", "divergence"])
@pytest.mark.parametrize("check", [torch.autograd.gradcheck, torch.autograd.gradgradcheck])
def test_derivatives_of_both_orders(case: str, check: Any):
    """In the inputs and in the module's own parameters."""
    opaque, _ = pair(CASES[case][0])
    flow = NeuralODE(opaque, networks={"net": Known(VALUES["net_weights"])}, values={"k": 0.4}, method="rk4", steps=2, dtype=torch.float64)
    names, parameters = zip(*flow.named_parameters(), strict=True)

    def loss(one: Tensor, other: Tensor, *own: Tensor) -> Tensor:
        return torch.func.functional_call(Loss(flow), {f"flow.{name}": value for name, value in zip(names, own, strict=True)}, (one, other))

    given = [torch.tensor(VALUES[name][:2], requires_grad=True) for name in ("U", "V")]
    assert check(loss, (*given, *(one.detach().clone().requires_grad_() for one in parameters)))


class Loss(nn.Module):
    def __init__(self, flow: Any):
        super().__init__()
        self.flow = flow

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.flow.losses(*inputs)


# ---------------------------------------------------------------- a module like any other


def test_the_network_is_a_module_of_the_model():
    flow = images(method="rk4", steps=2)
    assert list(dict(flow.named_parameters()))[:3] == ["k", "conv.0.weight", "conv.0.bias"]
    other = images(method="rk4", steps=2)
    nn.init.normal_(other.get_parameter("conv.0.weight"))
    assert worst(found(flow, drawn(2, *SHAPE)), found(other, drawn(2, *SHAPE))) > 1e-3
    other.load_state_dict(flow.state_dict())
    file = io.BytesIO()
    torch.save(flow.state_dict(), file)
    file.seek(0)
    third = images(method="rk4", steps=2)
    third.load_state_dict(torch.load(file, weights_only=True))
    flow.zero_grad()
    expected = found(flow, drawn(2, *SHAPE))
    for one in (other, third, copy.deepcopy(flow), pickle.loads(pickle.dumps(flow))):
        one.zero_grad()
        assert all(map(torch.equal, found(one, drawn(2, *SHAPE)), expected))


def test_a_copy_has_a_network_of_its_own():
    flow = images(method="rk4", steps=2)
    other = copy.deepcopy(flow)
    with torch.no_grad():
        other.get_parameter("conv.0.weight").add_(1)
    assert not torch.equal(flow(drawn(1, *SHAPE)), other(drawn(1, *SHAPE)))
    assert flow.float()(drawn(1, *SHAPE).float()).dtype == torch.float32


def test_a_network_trains():
    flow = images(method="rk4", steps=2)
    optimizer = torch.optim.Adam(flow.parameters(), lr=0.01)
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = (flow(drawn(4, *SHAPE)) - 1).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]


def test_a_network_without_parameters():
    tanh = oda.Network("tanh1", [SHAPE], SHAPE, size=0)
    model = oda.Model({z: tanh(z) - k * z}, {z: x}, (0, 1), [k], [x])
    ours = NeuralODE(model, networks={"tanh1": nn.Tanh()}, values={"k": 0.3}, method="rk4", steps=3, dtype=torch.float64)
    known = NeuralODE(model.with_(field={z: oda.tanh(z) - k * z}), values={"k": 0.3}, method="rk4", steps=3, dtype=torch.float64)
    assert worst(found(ours, drawn(2, *SHAPE)), found(known, drawn(2, *SHAPE))) < ROUNDING


# ---------------------------------------------------------------- what is refused


def bound_to(**networks: Any) -> Any:
    return lambda: NeuralODE(IMAGES, networks=networks)


REFUSED = {
    "unbound": (lambda: NeuralODE(IMAGES), TargetError, "network 'conv' of 'images' is bound to nothing"),
    "unbound in a solve": (lambda: solve(oda.Problem(IMAGES, oda.Objective()), {}), TargetError, "'conv' of 'images' is bound to nothing"),
    "unbound on arrays": (lambda: oda.evaluate(pair(of_vectors)[0], VALUES), TargetError, "network 'net' of 'model' is bound to nothing"),
    "unknown": (bound_to(conv=nn.Tanh(), cnv=nn.Tanh()), ModelError, "'images' has no network 'cnv'; did you mean 'conv'"),
    "no module": (bound_to(conv=torch.tanh), ModelError, "network 'conv' is bound to builtin_function_or_method; give a torch module"),
    "no parameters": (bound_to(conv=nn.Tanh()), ModelError, "module of 0 parameters, and stated to have n_conv; give it size=0"),
    "other parameters": (
        lambda: NeuralODE(pair(of_vectors)[0], networks={"net": nn.Linear(1, 1)}),
        ModelError,
        "module of 2 parameters, and stated to have 3; give it size=2",
    ),
    "no object": (
        lambda: oda.evaluate(pair(of_vectors)[0], VALUES, networks={"net": np.tanh}),
        ModelError,
        "'net' is bound to ufunc, which has no call and no vjp and no jvp",
    ),
    "weights of depth": (
        lambda: NeuralODE(pair(varying)[0], networks={"net": Known(np.zeros(3))}),
        ModelError,
        "'net_weights' is no vector among the parameters of 'model'",
    ),
    "two of one name": (
        lambda: NeuralODE(IMAGES.with_(field={z: CONV(z) + oda.Network("conv", [SHAPE, (1,)], SHAPE)(z, oda.concat(k))}), networks={}),
        ModelError,
        "'images' has two networks 'conv', of other shapes",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused(case: str):
    make, error, message = REFUSED[case]
    with pytest.raises(error, match=message):
        make()


def test_a_value_of_another_shape_is_refused():
    flow = NeuralODE(IMAGES, networks={"conv": nn.Conv2d(3, 3, 3)}, steps=1, method="rk4")
    with pytest.raises(ModelError, match=r"network 'conv' gives \(2, 3, 6, 6\) for \(2, 3, 8, 8\); it is stated to give \(2, 3, 8, 8\)"):
        flow(drawn(2, *SHAPE).float())


def test_loops_refuse_a_network():
    flow = NeuralODE(IMAGES, networks={"conv": convolution()}, dtype=torch.float64, steps=1, method="rk4", target="loops")
    with pytest.raises(TargetError, match="'loops' cannot call network 'conv'"):
        flow(drawn(2, *SHAPE))


def test_weights_are_in_the_order_of_the_module():
    module = Known(np.arange(3.0))
    assert weights_of(module).tolist() == [0, 1, 2]

"""Modules refuse what is no value of their model, and say which name it is; solves that fail say where."""

import numpy as np
import pytest
import torch

import odeanalysis as oda
from odeanalysis.generation import generate
from tests.cases import CASES
from tests.generation.modules import TARGETS, load, module_of

VALUES = CASES["network_batch"].values()


def changed(**new):
    return {**VALUES, **new}


WRONG = {
    "unknown": (changed(w=1.0), r"'model' has no value 'w'; its values are W, b, V, x, y"),
    "missing": ({name: VALUES[name] for name in ("W", "b", "V", "y")}, "no value for x of 'model'; add it"),
    "shape": (changed(b=np.zeros(3)), r"value 'b' has shape \(3,\); give \(4,\) for all samples, or \('batch', 4\)"),
    "rank": (changed(b=0.0), r"value 'b' has shape \(\); give \(4,\) for all samples"),
    "numbers of samples": (changed(x=np.zeros((2, 2))), "values hold different numbers of samples, or none: {'x': 2, 'y': "),
    "no sample": (changed(x=np.zeros((0, 2)), y=np.zeros((0, 2))), "different numbers of samples, or none"),
    "NaN": (changed(b=[0.0, 1.0, None, 2.0]), "value 'b' is NaN somewhere; only data may be missing"),
    "text": (changed(b=["a", 0.0, 0.0, 0.0]), "value 'b' "),
    "complex": (changed(b=np.full(4, 1j)), "value 'b' holds .*complex"),
    "truth values": (changed(b=[True, False, True, True]), "value 'b' holds .*bool"),
    "ragged": (changed(b=[[0.0], [1.0, 2.0]]), "value 'b' is "),
    "infinite": (changed(b=[0.0, 1.0, np.inf, 2.0]), "value 'b' is infinite somewhere; give finite numbers"),
}
HOW = {
    "method": ({"method": "radau"}, "there is no method 'radau'; take one of euler, "),
    "no steps": ({"steps": 0}, "steps = 0; give a whole number of 1 or more"),
    "half a step": ({"steps": 2.5}, "steps = 2.5; give a whole number"),
    "no estimate": ({"method": "rk4"}, "method 'rk4' estimates no error; give a number of steps"),
    "tolerances": ({"rtol": 0.0, "atol": 0.0}, "rtol = 0.0, atol = 0.0; give finite ones, not both 0"),
    "negative": ({"rtol": -1e-3}, "rtol = -0.001"),
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("values", "message"), WRONG.values(), ids=WRONG)
def test_wrong_values_are_refused_by_name(values, message, target):
    with pytest.raises(ValueError, match=message):
        module_of("network_batch", target).value_and_gradient(values)


@pytest.mark.parametrize(("how", "message"), HOW.values(), ids=HOW)
def test_wrong_ways_are_refused(how, message):
    with pytest.raises(ValueError, match=message):
        module_of("network_batch", "numpy").value_and_gradient(VALUES, **how)


def growing(field, start=lambda z0: z0):
    z, z0, p = oda.block("z"), oda.block("z0"), oda.block("p")
    model = oda.Model({z: field(z, p)}, {z: start(z0)}, (0, 2), (z0, p), name="growing")
    return load(generate(oda.Problem(model, oda.Objective(z))))


FAILING = {
    "blow-up": (lambda z, p: z**2, {"z0": 1.0, "p": 0.0}, "steps vanish at depth 1 of sample 0|2 of sample 0|at depth 1.0* of sample 0"),
    "start": (lambda z, p: oda.log(z), {"z0": -1.0, "p": 0.0}, "the field is not finite where the solution starts"),
    "gradient": (lambda z, p: oda.sqrt(p), {"z0": 1.0, "p": 0.0}, "p: the value or the gradient is not finite"),
}


@pytest.mark.parametrize(("field", "values", "message"), FAILING.values(), ids=FAILING)
def test_failed_solves_say_where(field, values, message):
    found = growing(field)
    with pytest.raises(found.SolveError, match=message):
        found.value_and_gradient(values)


def test_initial_values_that_are_not_finite():
    found = growing(lambda z, p: z, oda.log)
    with pytest.raises(found.SolveError, match="the initial value of z is not finite"):
        found.value_and_gradient({"z0": -1.0, "p": 0.0})


def test_values_are_left_alone():
    values = {name: np.array(value) for name, value in VALUES.items()}
    kept = {name: value.copy() for name, value in values.items()}
    module_of("network_batch", "numpy").value_and_gradient(values, steps=3, method="rk4")
    assert all(np.array_equal(values[name], kept[name]) for name in values)


def test_tensors_keep_their_kind_of_number():
    found = module_of("network_batch", "torch")
    values = {name: torch.tensor(np.array(value), dtype=torch.float32) for name, value in VALUES.items()}
    values["b"].requires_grad_()
    value, gradients = found.value_and_gradient(values, method="rk4", steps=8)
    assert value.dtype == torch.float32 and not value.requires_grad
    known = oda.value_and_gradient(CASES["network_batch"].problem(), VALUES, method="rk4", steps=8)[1]
    for name, gradient in gradients.items():
        assert gradient.dtype == torch.float32 and gradient.numpy() == pytest.approx(known[name], rel=1e-4, abs=1e-5)
    with pytest.raises(ValueError, match=r"value 'V' has torch.float64, others torch.float32"):
        found.value_and_gradient({**values, "V": values["V"].double()})


def test_lists_of_numbers_are_values():
    """Also whole numbers, and None where nothing was observed."""
    problem = CASES["missing_data"].problem()
    values = {name: np.array(value).tolist() for name, value in CASES["missing_data"].values().items()}
    known = oda.value_and_gradient(problem, values, method="rk4", steps=5)[0]
    assert module_of("missing_data", "numpy").value_and_gradient(values, method="rk4", steps=5)[0] == pytest.approx(known, rel=1e-13)

"""Ways through the same steps agree to rounding, and the value is that of the statement, on every case.

That the continuous adjoint and forward sensitivities agree with them, the certificates in `tests/verification` say, at tolerance 1e-12.
"""

import numpy as np
import pytest

import odeanalysis as oda
from odeanalysis.modeling.values import bind
from odeanalysis.verification.independent import gradients as independent
from odeanalysis.verification.independent.compare import peak, relative_difference, scales
from tests.cases import CASES
from tests.gradients.solved import ACCUMULATED, EVERY, KINK, KINKED, TOLERANCE, conditioning, discrete, gradients, solved


@EVERY
def test_the_discrete_adjoint_is_the_complex_step_of_the_same_steps(name):
    """To 1e-12 of each block, and some roundings of the largest: an entry may be all that is left of terms of that size."""
    known, found = gradients(solved(name), oda.ComplexStep()), discrete(name)
    roundings = 8 * np.finfo(float).eps * max(map(peak, known.values()))
    for block, scale in scales(known).items():
        assert peak(found[block] - known[block]) <= 1e-12 * conditioning(name) * scale + roundings


@EVERY
def test_differences_of_the_same_steps_agree_to_their_noise(name):
    """Noise eps^(2/3) times the size of third derivatives; a kink within reach of a difference leaves the step's own error."""
    found = gradients(solved(name), oda.Differences())
    assert relative_difference(found, discrete(name)) < (KINK if name in KINKED else 1e-7 * conditioning(name))


@EVERY
def test_the_value_is_that_of_a_solve_of_the_statement(name):
    """SciPy on the stated expressions, which shares nothing with derivation, emission and steps."""
    problem, values = CASES[name].problem(), CASES[name].values()
    expected = independent.value(problem, bind(problem, values))
    assert float(solved(name).value) == pytest.approx(expected, rel=ACCUMULATED * TOLERANCE, abs=1e-9)


@EVERY
def test_gradients_have_the_shapes_of_the_values_and_missing_data_has_none(name):
    values = CASES[name].values()
    assert set(discrete(name)) == set(values)
    for key, gradient in discrete(name).items():
        assert gradient.shape == values[key].shape and np.isfinite(gradient).all()
        assert not gradient[np.isnan(values[key])].any()


@pytest.mark.parametrize(
    ("name", "silent"), [("switch_outside", ("w", "p")), ("unused_names", ("idle", "aside")), ("no_length_with_a_switch", ("p",))]
)
def test_what_nothing_depends_on_has_the_gradient_zero(name, silent):
    assert not any(discrete(name)[key].any() for key in silent)
    assert any(array.any() for array in discrete(name).values())


@pytest.mark.parametrize("sensitivity", oda.SENSITIVITIES.values(), ids=oda.SENSITIVITIES)
def test_a_problem_without_names_has_an_empty_gradient(sensitivity):
    z = oda.block("z")
    problem = oda.Problem(oda.Model({z: -z}, {z: 1}, (0, 1), name="alone"), oda.Objective(z, z**2))
    value, gradient = oda.value_and_gradient(problem, {}, sensitivity=sensitivity)
    assert value == pytest.approx(np.exp(-1) + (1 - np.exp(-2)) / 2, rel=1e-7) and gradient == {}

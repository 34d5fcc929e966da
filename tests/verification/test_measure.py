"""Splitting a gradient into its terms: one copy of a name for each place in which it stands."""

import numpy as np
import pytest

import odeanalysis as oda
from odeanalysis.verification.claims.instances import network, parameter_everywhere, random
from odeanalysis.verification.measure import FULL, PLACES, Instance, by_scipy, combine, copy_of, refutation, split, terms, truths
from tests.cases import CASES


def instance(name, of):
    return Instance(name, CASES[name].problem(), CASES[name].values(), of)


@pytest.mark.parametrize(
    ("name", "of"),
    [("running_cost", "theta"), ("moving_ends", "x"), ("moving_observation", "a"), ("moving_switch", "s1"), ("network_batch", "W")],
)
def test_the_terms_add_up_to_the_gradient(name, of):
    one = instance(name, of)
    whole = oda.value_and_gradient(one.problem, one.values, rtol=1e-11, atol=1e-12)[1][of]
    assert combine(terms(one), FULL) == pytest.approx(whole, rel=1e-7, abs=1e-9)


def test_each_place_has_its_own_term():
    """p in the field, both costs, the initial value, an observation, the ends and the switch: no term is zero, and each is needed."""
    parts = terms(parameter_everywhere(np.random.default_rng(1)))
    assert set(parts) == set(PLACES) and all(abs(part) > 1e-3 for part in parts.values())


def test_a_name_that_stands_in_no_cost_has_no_term_there():
    parts = terms(network(np.random.default_rng(1), "U", kinetic=False))
    assert [place for place in PLACES if np.any(parts[place])] == ["initial"]


def test_the_split_problem_has_the_same_value():
    one = instance("running_cost", "theta")
    values = {name: value for name, value in one.values.items() if name != "theta"}
    copies = {copy_of("theta", place): one.values["theta"] for place in PLACES}
    assert oda.value_and_gradient(split(one.problem, "theta"), {**values, **copies})[0] == pytest.approx(
        oda.value_and_gradient(one.problem, one.values)[0], rel=1e-12
    )


def test_the_two_truths_agree():
    one = instance("moving_ends", "a")
    first, second = truths(one).values()
    assert first == pytest.approx(second, rel=1e-7)


def test_scipys_gradient_has_the_shape_of_the_value():
    one = instance("network_batch", "x")
    assert by_scipy(one).shape == one.values["x"].shape
    assert by_scipy(one) == pytest.approx(oda.value_and_gradient(one.problem, one.values)[1]["x"], rel=1e-6)


def test_a_refutation_needs_both_truths():
    one = instance("closed_form", "theta")
    truth = {"one way": np.array(1.0), "another": np.array(1.0)}
    assert refutation(one, np.array(1.0), truth) is None
    assert refutation(one, np.array(2.0), {**truth, "another": np.array(2.0)}) is None
    shown = refutation(one, np.array(2.0), truth)
    assert shown is not None and shown["printed"] == 2.0 and shown["another"] == 1.0 and shown["name"] == "theta"


def test_random_numbers_depend_on_seed_and_claim_alone():
    first, again, other, claim = (random(*key).normal() for key in ((0, "a"), (0, "a"), (1, "a"), (0, "b")))
    assert first == again and first not in (other, claim)

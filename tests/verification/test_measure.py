"""Splitting a gradient into its terms: one copy of a name for each place in which it stands."""

import numpy as np
import pytest

import odeanalysis as oda
from odeanalysis.verification.claims.instances import random
from odeanalysis.verification.measure import (
    FULL,
    PLACES,
    Instance,
    by_scipy,
    combine,
    copy_of,
    exchanged,
    refutation,
    relative,
    scale,
    smallest_refutation,
    split,
    terms,
    truths,
)
from odeanalysis.verification.strategies.drawing import draw
from odeanalysis.verification.strategies.problems import problems, small_problems
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


def everywhere():
    """p in the field, both costs, the initial value, an observation, the ends and a switch."""
    z, p, seen = oda.block("z"), oda.block("p"), oda.block("seen")
    field = oda.where(oda.depth < p, oda.sin(p * z), -p * z) + oda.depth
    observed = oda.Observation((0.3, 0.9), (z - p * seen) ** 2, (seen,))
    model = oda.Model({z: field}, {z: 1 + p**2}, (p / 10, 1 + p), (p,), name="everywhere")
    problem = oda.Problem(model, oda.Objective(p * z**2 + oda.depth * p, p**2 * z**2, (observed,)))
    return Instance("everywhere", problem, {"p": 0.6, "seen": np.array([0.4, -0.3])}, "p")


def test_each_place_has_its_own_term():
    """No term is zero, and each is needed."""
    parts = terms(everywhere())
    assert set(parts) == set(PLACES) and all(abs(part) > 1e-3 for part in parts.values())


def test_a_name_that_stands_in_no_cost_has_no_term_there():
    parts = terms(instance("closed_form", "z0"))
    assert [place for place in PLACES if np.any(parts[place])] == ["initial"]


def test_terms_of_a_parameter_that_varies_with_depth_add_up_too():
    one = next(one for one in draw(problems(), 30, 0) if "u" in one.values)
    stated = Instance(one.title, one.problem, one.values, "u")
    parts = terms(stated)
    for known in truths(stated).values():
        assert relative(combine(parts, FULL), known, scale(parts)) < 1e-9
    assert relative(exchanged(parts), combine(parts, FULL), scale(parts)) > 1e-3


def test_the_split_problem_has_the_same_value():
    one = instance("running_cost", "theta")
    values = {name: value for name, value in one.values.items() if name != "theta"}
    copies = {copy_of("theta", place): one.values["theta"] for place in PLACES}
    assert oda.value_and_gradient(split(one.problem, "theta"), {**values, **copies})[0] == pytest.approx(
        oda.value_and_gradient(one.problem, one.values)[0], rel=1e-12
    )


def test_the_truths_agree():
    first, *others = truths(instance("moving_ends", "a")).values()
    assert len(others) == 2 and all(other == pytest.approx(first, rel=1e-7) for other in others)


def test_scipys_gradient_has_the_shape_of_the_value():
    one = instance("network_batch", "x")
    assert by_scipy(one).shape == one.values["x"].shape
    assert by_scipy(one) == pytest.approx(oda.value_and_gradient(one.problem, one.values)[1]["x"], rel=1e-6)


def test_a_refutation_shows_the_numbers():
    one = instance("closed_form", "theta")
    (known, *_) = truths(one).values()
    assert refutation(one, known) is None
    shown = refutation(one, known + 1)
    assert shown is not None and shown["printed"] == pytest.approx(float(known) + 1) and shown["name"] == "theta"
    assert shown["SciPy, differences"] == pytest.approx(float(known), rel=1e-9)


def test_the_smallest_refutation_is_shrunk_and_there_is_none_of_what_is_right():
    assert smallest_refutation(FULL, 0, small_problems(), tries=40) is None
    shown = smallest_refutation({"field": 1.0}, 0, small_problems())
    assert shown is not None and shown["field"] == {"z": "p"} and shown["terminal"] == "0"


def test_random_numbers_depend_on_seed_and_claim_alone():
    first, again, other, claim = (random(*key).normal() for key in ((0, "a"), (0, "a"), (1, "a"), (0, "b")))
    assert first == again and first not in (other, claim)

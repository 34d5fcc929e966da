"""Claims on more coordinates, derivatives and data: other seeds, the counterexample by hand, and what is left when a transform is wrong."""

import sys

import numpy as np
import pytest

from odeanalysis.modeling.transforms import augment, data_control, higher_order
from odeanalysis.symbolic import expressions as ex
from odeanalysis.verification import runner
from odeanalysis.verification.claims.data_control import of_linear, regularizer, unsupported
from odeanalysis.verification.claims.higher_order import flipped
from odeanalysis.verification.flows.by_hand import CLOSE, agreement, same_ends, states
from odeanalysis.verification.strategies import augmented
from odeanalysis.verification.strategies.augmented import Size
from tests.verification.test_claims import VERDICTS, report

NAMES = ("zero-augmentation", "input-layer", "structured-augmentation", "higher-order", "selective-higher-order", "data-control")
SIZE = Size(2, 1, 2, "spectral", -0.5, 3)
MAKERS = (
    *(augmented.vanilla, augmented.zero, augmented.layer, augmented.structured, augmented.affine),
    *(augmented.ordered, augmented.selective, augmented.controlled, augmented.carried),
)


@pytest.mark.parametrize("name", NAMES)
def test_the_verdict_does_not_depend_on_what_is_drawn(name):
    found = runner.examine(name, 4)
    assert found.verdict == VERDICTS[name] and found.backed, [check for check in found.checks if not check.passed]
    assert {check.name for check in found.checks} != {check.name for check in report(name).checks}


def test_data_in_the_field_double_the_slope_of_an_identity():
    """z' = x from x: z(1) = 2 x, where z' = 0 keeps x."""
    shown = unsupported(0)
    assert shown is not None and shown["field"] == "z' = 0 z + 1 x, z(0) = x"
    assert list(shown["|dz(1)/dx|"].values()) == pytest.approx([2.0] * 3) and shown["without data in the field, z' = a z"] == 1
    assert shown["e^{Lz S} + (Lx/Lz)(e^{Lz S} - 1)"] == 2


def test_data_that_pull_against_the_state_may_keep_the_smaller_bound():
    """z' = z - x/2: dz(1)/dx = e - (e - 1)/2, below e."""
    found = of_linear(1.0, -0.5)
    assert list(found.norms.values()) == pytest.approx([(np.e + 1) / 2] * 3)
    assert all(gap.kept for gap in found.above(found.without)) and found.bound == pytest.approx(np.e + (np.e - 1) / 2)


def test_the_sentence_on_regularization_is_found_unsupported():
    (found,) = report("data-control").beside
    assert found.finding == "unsupported" and "acting as a regularizer" in found.printed
    assert found.example is not None and found.example["field"] == "z' = 0 z + 1 x, z(0) = x"
    (decided,) = (check for check in report("data-control").checks if check.name.startswith("a sentence beside it is unsupported"))
    assert decided.passed


def test_the_sentence_is_supported_by_fields_that_pull_against_the_state():
    pulling, pushing = ([of_linear(1.0, k), of_linear(0.5, k)] for k in (-0.5, 0.5))
    assert regularizer(pulling, None).finding == "supported" and regularizer(pushing, {}).finding == "unsupported"
    assert regularizer(pushing, None).finding == "undecided"


# ---------------------------------------------------------------- the equations by hand


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_models_agree_with_the_equations_by_hand(make):
    gaps = agreement([make(SIZE)], np.random.default_rng(0))
    assert len(gaps) == 4 and all(gap.kept for gap in gaps), gaps


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_another_value_of_any_name_is_another_equation_by_hand(make):
    one = make(SIZE)
    for name, value in one.values.items():
        moved = one.written("SciPy", {**one.values, name: value + 0.1})
        assert np.max(np.abs(one.final - moved)) > 100 * CLOSE, name


def test_a_flipped_sign_is_seen_in_both_ways():
    assert all(gap.clearly_missed for gap in states(flipped(augmented.ordered(SIZE))))


def test_bits_that_differ_are_counted():
    one = augmented.zero(SIZE)
    other = one.with_values(x=one.values["x"] + np.spacing(one.values["x"]))
    assert all(gap.measured == 0 for gap in same_ends("states", one, augmented.zero(SIZE)))
    assert all(gap.measured > 0 and gap.clearly_missed for gap in same_ends("states", one, other))


# ---------------------------------------------------------------- a broken transform


def changed(monkeypatch, transform, name, change):
    """Another function of the transform's module, handed the right one."""
    module = sys.modules[transform.__module__]
    right = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *arguments, **options: change(right, *arguments, **options))


def flipped_start(right, model, state, initial, *others, **options):
    return right(model, state, -initial, *others, **options)


def flipped_highest(right, value, count):
    return -right(value, count)


def other_coordinates(right, first, value, count):
    return right(first, -value, count)


def all_at_rest(right, *arguments):
    return tuple((block, ex.mul(0, start)) for block, start in right(*arguments))


def velocity_first(right, *arguments):
    (position, place), (velocity, speed), *others = right(*arguments)
    return ((position, speed), (velocity, place), *others)


def data_before_the_state(right, model, names, argument):
    return right(model, names, {state: ex.concat(*reversed(value.args)) for state, value in argument.items()})


def flipped_data(right, model, data):
    return -right(model, data)


BREAKS = {
    "the start of an augmented state flipped": (augment, "augment", flipped_start, ("structured-augmentation",)),
    "z_p' = -f": (higher_order, "_first", flipped_highest, ("higher-order",)),
    "z_e' = -f_e": (higher_order, "_joined", other_coordinates, ("selective-higher-order",)),
    "all blocks start at 0": (higher_order, "_starts", all_at_rest, ("selective-higher-order",)),
    "position and velocity start at each other's values": (higher_order, "_starts", velocity_first, ("higher-order",)),
    "the data before the state": (data_control, "parts", data_before_the_state, ("data-control",)),
    "the data flipped": (data_control, "_expression", flipped_data, ("higher-order",)),
}


@pytest.mark.parametrize("broken", BREAKS)
def test_one_wrong_transform_and_the_verdict_is_gone(monkeypatch, broken):
    transform, name, change, claims = BREAKS[broken]
    changed(monkeypatch, transform, name, change)
    for claim in claims:
        found = runner.examine(claim, 0)
        assert found.verdict == "inconclusive" and not found.backed, claim

"""Surveys: what passes at the values given is tried elsewhere, what is right has a computed reason, and what is wrong is said."""

from dataclasses import replace
from functools import cache
from itertools import chain, islice

import numpy as np
import pytest

import odeanalysis as oda
from odeanalysis.numerics.gradients.differences import Differences
from odeanalysis.verification.independent.compare import relative_difference
from odeanalysis.verification.mutation import equivalence, trials
from odeanalysis.verification.mutation import survey as sv
from odeanalysis.verification.mutation.mutants import Mutant, rule_mutants, term_mutants
from odeanalysis.verification.mutation.trials import Trial, drawn_trials, settings_of, trial
from tests.cases import CASES

SMALL = ("closed_form", "everything_moves", "moving_switch", "observed_twice", "per_sample_parameters")


@cache
def surveyed(name, most=None):
    return sv.survey(CASES[name].problem(), CASES[name].values(), oda.Settings(), 0, most)


@cache
def first(name):
    return trial(CASES[name].problem(), CASES[name].values(), settings_of(oda.Settings()), 0)


@pytest.mark.parametrize("name", SMALL)
def test_all_mutants_are_refused(name):
    found = surveyed(name)
    assert not found.survivors and not found.equivalent and found.tried == found.killed > 20
    assert (found.method, found.steps, found.left_out, found.points) == ("heun2", 6, 0, 0)


# ---------------------------------------------------------------- each by itself

CHECKS = ("route complex step", "Taylor slope 1", "Taylor slope 2", "Taylor slope 3")


@pytest.mark.parametrize("name", [*SMALL, "no_length", "linear_flow"])
def test_the_counts_are_those_of_what_came_of_each(name):
    found = surveyed(name)
    refused = [one for one in found.each if one.refused_by]
    assert len(found.each) == len({one.title for one in found.each}) == found.tried
    assert (len(refused), sum(one.elsewhere for one in refused)) == (found.killed, found.elsewhere)
    assert {one.title: one.equivalent for one in found.each if one.equivalent} == found.equivalent
    assert not any(one.equivalent or one.survives for one in refused)


def test_every_mutant_of_the_derivation_is_in_the_list():
    one, found = first("everything_moves"), surveyed("everything_moves")
    made = [mutant.title for mutant in sv.titled(chain(rule_mutants(one.run), term_mutants(one.run)))]
    assert [fate.title for fate in found.each] == made and all(fate.what and fate.place for fate in found.each)


def test_a_mutant_says_what_was_made_wrong_and_where():
    found = {(one.what, one.place) for one in surveyed("everything_moves").each}
    assert {
        ("2*_bar_terminal*q*s dropped", "terminal: q"),
        ("_bar_q*_h/2 without its step size", "step: _t6"),
        ("reverse rule Add, argument 1 with its sign flipped", "initial, observation 0, step"),
    } <= found


def test_each_check_that_refuses_is_named():
    """By complex steps and on every line, where a term is dropped; a gradient that is wrong on one line fails there alone."""
    one = first("closed_form")
    assert all(fate.refused_by == CHECKS for fate in surveyed("closed_form").each)
    assert list(one.refusals(one.right)) == []
    twice = {name: 2 * array for name, array in one.right.items()}
    for i, name in enumerate(CHECKS[1:]):
        lines = tuple(replace(line, values=line.values + (k == i) * line.sizes) for k, line in enumerate(one.lines))
        assert list(replace(one, lines=lines).refusals(one.right)) == [name]
    assert list(replace(one, reference=twice).refusals(one.right)) == ["route complex step"]
    assert list(one.refusals({name: np.inf * array for name, array in one.right.items()})) == list(CHECKS)


def test_what_gives_no_gradient_is_refused_by_no_check_of_one(monkeypatch):
    one = first("closed_form")
    none = {"step": replace(equivalence.backward(one.run.setting.program, "heun2")["step"], function=lambda *arrays: fails())}

    def fails():
        raise ValueError("shapes do not fit")

    found = sv.surveyed(one, iter([Mutant("no formulas", None), Mutant("no values", none)]), 0)
    assert [fate.refused_by for fate in found.each] == [("the derivation itself",), ("the computation itself",)]
    assert [fate.place for fate in found.each] == ["", "step"]


def test_survivors_are_listed_first_then_equivalent_ones():
    """Mutants of each kind, in another order: one refused, one that is the same function, one that is wrong by less than any check sees."""
    one = first("closed_form")
    right = equivalence.backward(one.run.setting.program, "heun2")["initial"]

    def times(factor):
        return {"initial": replace(right, function=lambda *arrays: tuple(found * factor for found in right.function(*arrays)))}

    made = [Mutant("doubled", times(2)), Mutant("the same", times(1)), Mutant("a little", times(1 + 1e-11)), Mutant("flipped", times(-1))]
    found = sv.surveyed(one, iter(made), 0)
    assert [fate.title for fate in found.each] == ["a little", "the same", "doubled", "flipped"]
    assert [fate.survives for fate in found.each] == [True, False, False, False] and found.survivors == ("a little",)
    assert found.each[1].equivalent and found.each[0].refused_by == found.each[1].refused_by == ()


# ---------------------------------------------------------------- tried elsewhere


@pytest.mark.parametrize("name", ["no_length", "observed_without_length", "switch_outside"])
def test_what_passes_at_the_values_given_is_refused_at_others(name):
    """A domain that has no length, or a switch that lies outside it, at these values alone."""
    found = surveyed(name)
    assert found.elsewhere > 20 and 0 < found.points < trials.POINTS
    assert [one.elsewhere for one in found.each] == [True] * found.elsewhere + [False] * (found.tried - found.elsewhere)
    assert found.killed == found.tried and not found.survivors and not found.equivalent


def test_what_was_refused_once_stays_refused(monkeypatch):
    """A mutant that is refused at the first values drawn and passes at the next, where another is still tried."""
    one, other = first("no_length"), next(drawn_trials(first("no_length"), 0))
    program = one.run.setting.program
    late = {fate.title for fate in surveyed("no_length").each if fate.elsewhere}
    wrong = next(mutant for mutant in term_mutants(one.run) if mutant.title in late)
    assert other.refuses(other.gradient(wrong.program(program, "heun2")))
    same = Mutant("the same", {"initial": equivalence.backward(program, "heun2")["initial"]})
    monkeypatch.setattr(sv, "drawn_trials", lambda *_: iter((other, one)))
    found = sv.surveyed(one, iter((same, wrong)), 0)
    assert [fate.elsewhere for fate in found.each if fate.refused_by] == [True] and found.killed == found.elsewhere == 1


def test_values_are_drawn_in_the_ranges():
    problem, values = CASES["predator_prey"].problem(), CASES["predator_prey"].values()
    one = trial(problem, values, settings_of(oda.Settings()), 0)
    for other in drawn_trials(one, 3):
        for name, array in other.run.setting.bound.arrays.items():
            assert ((array >= 0.3) & (array <= 2)).all() and not np.array_equal(array, values[name])


def test_values_are_drawn_at_many_sizes_and_missing_data_stay_missing():
    one = first("missing_data")
    others = list(drawn_trials(one, 3))
    assert len(others) == trials.POINTS
    for name, array in one.run.setting.bound.arrays.items():
        assert all((np.isnan(other.run.setting.bound.arrays[name]) == np.isnan(array)).all() for other in others)
    sizes = [abs(other.run.setting.bound.arrays["angle0"]) for other in others]
    assert sum(size < 0.004 for size in sizes) >= 4 and max(sizes) > 1


def test_draws_are_repeatable():
    drawn = [[other.run.setting.bound.arrays["theta"] for other in drawn_trials(first("closed_form"), seed)] for seed in (3, 3, 4)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_values_without_a_solution_are_drawn_again():
    """z' = -log z from k: half of the values drawn lie outside the domain of the logarithm."""
    z, k = oda.block("z"), oda.block("k")
    problem = oda.Problem(oda.Model({z: -oda.log(z)}, {z: k}, (0, 0.5), (k,)), oda.Objective(z**2))
    others = list(drawn_trials(trial(problem, {"k": 2.0}, settings_of(oda.Settings()), 0), 0))
    assert len(others) == trials.POINTS and all(other.run.setting.bound.arrays["k"] > 0 for other in others)


# ---------------------------------------------------------------- what is right all the same

REASONS = {
    "linear_flow": {"cancel at 26 sets of values": 1},
    "backward_with_a_switch": {"only initial: s changes, which nothing reads": 2, "observation 0: s changes, which nothing reads": 6},
    "zero_length": {"step: the same function where _h = 0": 20},
    "observed_at_start": {"_bar_angle = 0, _bar_speed = 0": 40},
    "switched_costs": {"initial: the same function where": 2, "terminal: the same function where": 2},
}


@pytest.mark.parametrize("name", REASONS)
def test_each_equivalent_mutant_has_its_own_reason(name):
    found = surveyed(name)
    assert not found.survivors and found.tried == found.killed + len(found.equivalent)
    for words, least in REASONS[name].items():
        assert sum(words in reason for reason in found.equivalent.values()) >= least, found.equivalent


def test_what_is_zero_wherever_it_was_tried_but_for_no_reason_survives(monkeypatch):
    """The slope of a saturated sigmoid: at these values, and at those that lie near enough, it is zero to rounding."""
    monkeypatch.setattr(trials, "DRAWS", (trials.near,))
    z, k = oda.block("z"), oda.block("k")
    problem = oda.Problem(oda.Model({z: oda.sigmoid(900 * z) * k}, {z: k}, (0, 1), (k,)), oda.Objective(z))
    found = sv.survey(problem, {"k": 3.0}, oda.Settings(), 0)
    assert any("sigmoid" in title for title in found.survivors) and not found.equivalent


def test_a_function_that_is_written_otherwise_is_the_same():
    one = first("closed_form")
    (name, right), *_ = equivalence.backward(one.run.setting.program, "heun2").items()
    again = replace(right, function=lambda *arrays: tuple(found * 3 / 3 for found in right.function(*arrays)))
    assert "the same function, at 15 random inputs" in equivalence.reason(Mutant("", {name: again}), [one], 0)


@pytest.mark.parametrize("name", ["linear_flow", "backward_with_a_switch", "switched_costs"])
def test_those_said_to_be_right_are(name):
    """At values of their own, compared with differences, which know nothing of adjoints."""
    equivalent = surveyed(name).equivalent
    one = first(name)
    for other in islice(drawn_trials(one, 77), 4):
        truth = Differences().gradients(other.run)
        for mutant in term_mutants(one.run):
            if mutant.title in equivalent:
                gradient = other.gradient(mutant.program(one.run.setting.program, "heun2"))
                assert gradient is not None and relative_difference(gradient, truth) < 1e-5


# ---------------------------------------------------------------- what slips through


def test_checks_that_refuse_nothing_have_survivors(monkeypatch):
    monkeypatch.setattr(Trial, "refusals", lambda self, gradient: iter(()))
    found = sv.survey(CASES["closed_form"].problem(), CASES["closed_form"].values(), oda.Settings(), 0)
    assert len(found.survivors) == found.tried - found.killed > 20 and not found.equivalent


def test_a_mutant_that_can_be_tried_nowhere_else_is_no_equivalent_one(monkeypatch):
    """What is the same at one set of values may be another elsewhere."""
    monkeypatch.setattr(sv, "drawn_trials", lambda first, seed: iter(()))
    found = sv.survey(CASES["no_length"].problem(), CASES["no_length"].values(), oda.Settings(), 0)
    assert len(found.survivors) > 20 and not found.equivalent and found.points == 0


def test_where_it_differs_somewhere_a_mutant_that_passes_survives():
    """A gradient that is wrong by less than any check sees, at all values."""
    one = first("closed_form")
    name, right = "initial", equivalence.backward(one.run.setting.program, "heun2")["initial"]
    slightly = replace(right, function=lambda *arrays: tuple(found * (1 + 1e-11) for found in right.function(*arrays)))
    found = sv.surveyed(one, iter([Mutant("a little", {name: slightly})]), 0)
    assert found.survivors == ("a little",) and not found.equivalent


def test_at_most_so_many_terms_are_taken_evenly_and_the_rest_is_counted():
    every, some = surveyed("network_batch"), surveyed("network_batch", 10)
    assert every.left_out == 0 and some.left_out > 10 and some.tried < every.tried
    assert sv.spread(list(range(7)), 3) == [0, 2, 4] and sv.spread([1, 2], 3) == [1, 2] and sv.spread([1, 2], None) == [1, 2]


def test_mutants_of_one_title_are_told_apart():
    made = list(sv.titled(iter([Mutant("a", None), Mutant("b", None), Mutant("a", None, "a term", "step: z")])))
    assert [one.title for one in made] == ["a", "b", "a (2)"] and made[2].shown == ("a term", "step: z")


def test_steps_of_length_one_would_hide_a_missing_step_size():
    """Observed once a year, each year is a step of the six; three more of them make steps of half a year."""
    problem, values = CASES["predator_prey"].problem(), CASES["predator_prey"].values()
    observed = replace(problem.objective.observations[0], at=(0, 1, 2, 3, 6))
    yearly = replace(problem, objective=replace(problem.objective, observations=(observed,)))
    found = sv.survey(yearly, values, oda.Settings(), 0)
    assert found.steps == 9 and not found.equivalent and not found.survivors


def test_a_method_that_uses_the_jacobian_is_tried_itself():
    found = sv.survey(CASES["closed_form"].problem(), CASES["closed_form"].values(), oda.Settings("rosenbrock23"), 0, 5)
    assert found.method == "rosenbrock23" and found.killed > 20 and not found.survivors

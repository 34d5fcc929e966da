"""Mutants: every way to break a derivation is tried; each is refused, or is shown to change nothing."""

from functools import cache

import numpy as np
import pytest

import odeanalysis as oda
from odeanalysis.numerics.gradients.differences import ComplexStep
from odeanalysis.numerics.gradients.discrete import DiscreteAdjoint
from odeanalysis.numerics.gradients.program import Program
from odeanalysis.symbolic.calculus.rules import PULLBACKS
from odeanalysis.symbolic.functions import FUNCTIONS
from odeanalysis.verification import mutants as mt
from odeanalysis.verification.compare import relative_difference
from tests.cases import CASES

SMALL = ("closed_form", "everything_moves", "moving_switch", "observed_twice", "per_sample_parameters")


@cache
def run_of(name):
    return oda.solve_problem(CASES[name].problem(), CASES[name].values(), oda.Settings("heun2", steps=6))


@cache
def certified(name):
    return oda.check(CASES[name].problem(), CASES[name].values(), settings=oda.Settings("heun2", steps=6), mutants=True)


@pytest.mark.parametrize("name", SMALL)
def test_all_mutants_are_killed_but_those_that_change_nothing(name):
    certificate = certified(name)
    found = certificate.mutants
    assert certificate.verdict == "confirmed" and not found.survivors
    assert found.tried == found.killed + len(found.equivalent) > 20
    assert found.killed > 0.9 * found.tried
    assert {check.name: check.passed for check in certificate.checks}["mutants refused"]


@pytest.mark.parametrize("name", SMALL)
def test_those_said_to_change_nothing_do_not(name):
    """Each is run again and compared with a route that knows nothing of adjoints."""
    run = run_of(name)
    truth = ComplexStep().gradients(run)
    equivalent = certified(name).mutants.equivalent
    seen = set()
    for mutant in mt.mutants(run):
        if mutant.title in equivalent and mutant.title not in seen:
            seen.add(mutant.title)
            assert "the gradient is the same to rounding" in equivalent[mutant.title]
            assert relative_difference(computed(run, mutant), truth) < 1e-9
    assert seen == set(equivalent)


@pytest.mark.parametrize("name", ["everything_moves", "per_sample_parameters", "network_batch"])
def test_every_term_and_every_rule_has_its_mutants(name):
    run = run_of(name)
    titles = [mutant.title for mutant in mt.mutants(run)]
    terms = sum(1 for place in mt.term_places(run))
    rules = [title for title in titles if title.startswith(("rule ", "derivative of "))]
    assert len(titles) == len(rules) + 2 * terms and len(rules) % 3 == 0
    assert {"rule Mul dropped", "rule Times dropped", "rule Plus dropped"} & set(titles)


def test_mutants_compute_other_gradients():
    """Most of them: a table swapped in vain, or a cache that hands the old program back, would leave all the same."""
    run = run_of("network_batch")
    truth = DiscreteAdjoint().gradients(run)
    gaps = [relative_difference(found, truth) for found in gradients(run, 40) if found is not None]
    assert np.mean(np.array(gaps) > 1e-6) > 0.9


def gradients(run, most):
    return [mt._gradient(run, mutant) for mutant in mt.mutants(run, most)]


def computed(run, mutant):
    found = mt._gradient(run, mutant)
    assert found is not None
    return found


def test_checks_that_refuse_nothing_have_survivors():
    run = run_of("closed_form")
    truth = DiscreteAdjoint().gradients(run)
    found = mt.survey(run, lambda gradient: False, lambda gradient: relative_difference(gradient, truth) > 1e-9)
    assert len(found.survivors) == found.tried - len(found.equivalent) - found.killed > 20


def test_a_survivor_refutes(monkeypatch):
    from odeanalysis.verification import certificate, taylor

    monkeypatch.setattr(certificate, "relative_difference", lambda found, reference: 0.0)
    monkeypatch.setattr(taylor, "slope", lambda line, gradient: taylor.Slope(2.0))
    problem, values = CASES["closed_form"].problem(), CASES["closed_form"].values()
    run = run_of("closed_form")
    survey = mt.survey(run, lambda gradient: False, lambda gradient: True)
    monkeypatch.setattr(certificate, "survey", lambda *arguments: survey)
    found = oda.check(problem, values, settings=oda.Settings("heun2", steps=6), mutants=True)
    assert found.verdict == "refuted" and found.mutants.survivors


def test_tables_are_as_they_were():
    rules, functions = dict(PULLBACKS), dict(FUNCTIONS)
    list(mt.mutants(run_of("network_batch"), most=4))
    assert rules == PULLBACKS and functions == FUNCTIONS


def test_tables_are_restored_when_a_mutant_fails():
    rules = dict(PULLBACKS)
    kind = next(iter(PULLBACKS))
    with pytest.raises(ZeroDivisionError), mt.swapped(PULLBACKS, kind, None):
        assert PULLBACKS[kind] is None
        raise ZeroDivisionError
    assert rules == PULLBACKS


def test_a_mutant_that_cannot_be_derived_is_killed():
    run = run_of("closed_form")
    assert mt._gradient(run, mt.Mutant("nothing", None)) is None


def test_at_most_so_many_terms_are_taken_evenly():
    run = run_of("network_batch")
    every = [mutant.title for mutant in mt.mutants(run)]
    some = [mutant.title for mutant in mt.mutants(run, most=10)]
    assert len(some) < len(every) and set(some) <= set(every)
    assert len([title for title in some if not title.startswith(("rule ", "derivative of "))]) <= 20


def test_exchanged_programs_share_all_other_formulas():
    run = run_of("closed_form")
    program = run.setting.program
    place = next(mt.term_places(run))
    mutant = next(place.mutants(program, "heun2")).program
    assert isinstance(mutant, Program) and mutant is not program
    same = [name for name in mt.AT_NODES if getattr(mutant.vjp, name) is getattr(program.vjp, name)]
    assert len(same) >= len(mt.AT_NODES) - 1 and mutant.field is program.field


def test_a_rules_mutant_is_derived_while_the_rule_is_wrong():
    """Also what stands at the nodes: the logarithm stands in the terminal cost alone."""
    z, z0 = oda.block("z"), oda.block("z0")
    problem = oda.Problem(oda.Model({z: -z}, {z: z0}, (0, 1), [z0]), oda.Objective(terminal=oda.log(z)))
    run = oda.solve_problem(problem, {"z0": 2.0}, oda.Settings("heun2", steps=6))
    flipped = next(one for one in mt.mutants(run) if one.title == "derivative of log with its sign flipped")
    assert computed(run, flipped)["z0"] == pytest.approx(-0.5)

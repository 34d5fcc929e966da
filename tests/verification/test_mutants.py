"""Mutants: every way to break a derivation is enumerated, and computes another gradient, for itself alone."""

from functools import cache

import numpy as np
import pytest
import sympy as sp

import odeanalysis as oda
from odeanalysis.derivations.parts import H
from odeanalysis.numerics.gradients.program import Program
from odeanalysis.symbolic import nodes
from odeanalysis.symbolic.calculus.rules import PULLBACKS
from odeanalysis.symbolic.formula import formula
from odeanalysis.symbolic.functions import FUNCTIONS
from odeanalysis.verification.independent.compare import relative_difference
from odeanalysis.verification.mutation import mutants as mt
from odeanalysis.verification.mutation.exchange import AT_NODES, Exchanged, backward
from odeanalysis.verification.mutation.trials import settings_of, trial
from tests.cases import CASES

a, b, c = sp.symbols("a b c", real=True)
u, W = oda.block("u", 3), oda.block("W", 3, 3)


@cache
def first(name, method="tsit5"):
    return trial(CASES[name].problem(), CASES[name].values(), settings_of(oda.Settings(method)), 0)


def computed(name, mutant):
    run = first(name).run
    return first(name).gradient(mutant.program(run.setting.program, run.settings.method))


# ---------------------------------------------------------------- terms


def test_the_terms_of_a_row_and_of_the_sums_inside_it():
    """Sums in conditions, keys and exponents of nothing that is derived are no terms."""
    inside = oda.where(a + b > c, a * (b + c**2), oda.sin(a - b))
    stated = formula("f", [a, b, c], {"y": inside + c})
    titles = sorted(term.title for term in mt.terms_of("f", stated))
    assert titles == sorted(f"f: {one} in y" for one in (c, inside, b, c**2, a, -b))


def test_terms_stand_inside_a_sum_over_the_batch():
    stated = formula("f", [u, W], {"y": nodes.BatchSum(u + W @ u)})
    assert {term.title for term in mt.terms_of("f", stated)} == {"f: u in y", "f: W @ u in y"}
    dropped = {str(one.output["y"]) for term in mt.terms_of("f", stated) for words, one in term.wrong() if words == "dropped"}
    assert dropped == {str(nodes.BatchSum(u)), str(nodes.BatchSum(W @ u))}


def test_only_rows_that_carry_a_cotangent_are_broken():
    stated = formula("f", [a, b], {"y": a + 1, "z": a * b})
    assert [term.title for term in mt.terms_of("f", stated, lambda leaf: leaf == b)] == ["f: a*b in z"]


@pytest.mark.parametrize(
    ("change", "term", "expected"),
    [
        ("with its sign flipped", a * b, -a * b),
        ("dropped", a * b, 0),
        ("without its step size", H**2 * a, a),
        ("without its step size", a, a),
        ("with a transpose", 2 * (W.T @ u), 2 * (W @ u)),
        ("with a transpose", W @ u, W.T @ u),
        ("with a transpose", oda.outer(u, 2 * u + 1), oda.outer(2 * u + 1, u)),
        ("with a transpose", oda.block("V", 2, 3) @ u, oda.block("V", 2, 3) @ u),
    ],
)
def test_the_ways_to_break_a_term(change, term, expected):
    assert mt.TERM_CHANGES[change](term) == expected


def test_a_change_that_changes_nothing_is_no_mutant():
    (term,) = mt.terms_of("f", formula("f", [a], {"y": a}))
    assert [words for words, _ in term.wrong()] == ["with its sign flipped", "dropped"]


# ---------------------------------------------------------------- of a gradient


@pytest.mark.parametrize("name", ["everything_moves", "per_sample_parameters", "network_batch"])
def test_every_term_and_every_rule_has_its_mutants(name):
    run = first(name).run
    terms, rules = list(mt.term_mutants(run)), list(mt.rule_mutants(run))
    assert len(terms) >= 2 * len(mt.terms_of_run(run)) and len(rules) > 10
    assert {"step"} < {where for mutant in terms for where in mutant.changed or ()}
    done = {words for mutant in terms for words in mt.TERM_CHANGES if mutant.title.endswith(words)}
    assert done >= {"without its step size", "with its sign flipped", "dropped"}
    titles = {mutant.title for mutant in rules}
    assert {"reverse rule Mul, argument 1 dropped", "reverse rule Plus, argument 1 dropped"} & titles


def test_mutants_compute_other_gradients():
    """Most of them: a table read in vain, or a cache that hands the old program back, would leave all the same."""
    one = first("network_batch")
    mutants = [*mt.rule_mutants(one.run), *mt.term_mutants(one.run, mt.terms_of_run(one.run)[::3])]
    found = [computed("network_batch", mutant) for mutant in mutants]
    gaps = [relative_difference(gradient, one.right) for gradient in found if gradient is not None]
    assert np.mean(np.array(gaps) > 1e-6) > 0.95


def test_mutants_leave_no_trace():
    run = first("network_batch").run
    rules, functions, right = dict(PULLBACKS), dict(FUNCTIONS), backward(run.setting.program, "heun2")
    mutants = mt.rule_mutants(run)
    next(mutants)
    again = backward(Program(run.setting.program.parts, run.setting.program.shared), "heun2")
    assert {name: one.formula for name, one in again.items()} == {name: one.formula for name, one in right.items()}
    list(mutants)
    assert rules == PULLBACKS and functions == FUNCTIONS


def test_a_mutant_that_cannot_be_derived_is_no_program(monkeypatch):
    run = first("closed_form").run

    def fails(*_):
        raise oda.DerivationError("no")

    monkeypatch.setattr(mt, "read_through", fails)
    mutants = list(mt.rule_mutants(run))
    assert mutants and all(one.changed is None and one.program(run.setting.program, "heun2") is None for one in mutants)
    assert first("closed_form").refuses(first("closed_form").gradient(None))


def test_exchanged_programs_share_all_other_formulas():
    program = first("closed_form").run.setting.program
    mutant = next(mt.term_mutants(first("closed_form").run))
    found = mutant.program(program, "heun2")
    assert isinstance(found, Exchanged) and mutant.changed is not None and len(mutant.changed) == 1
    same = [name for name in AT_NODES if getattr(found.vjp, name) is getattr(program.vjp, name)]
    assert len(same) >= len(AT_NODES) - 1 and found.field is program.field


def test_a_rules_mutant_is_derived_while_the_rule_is_wrong():
    """Also what stands at the nodes: the logarithm stands in the terminal cost alone."""
    z, z0 = oda.block("z"), oda.block("z0")
    problem = oda.Problem(oda.Model({z: -z}, {z: z0}, (0, 1), [z0]), oda.Objective(terminal=oda.log(z)))
    one = trial(problem, {"z0": 2.0}, settings_of(oda.Settings()), 0)
    flipped = next(found for found in mt.rule_mutants(one.run) if found.title == "derivative of log, argument 1 with its sign flipped")
    gradient = one.gradient(flipped.program(one.run.setting.program, "heun2"))
    assert gradient is not None and gradient["z0"] == pytest.approx(-0.5)

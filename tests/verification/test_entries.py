"""Entries of the rule tables: found by watching a derivation, and made wrong one at a time for one call."""

import pytest

import odeanalysis as oda
from odeanalysis.symbolic.calculus.rules import PULLBACKS
from odeanalysis.symbolic.formula import formula
from odeanalysis.symbolic.functions import FUNCTIONS
from odeanalysis.symbolic.tables import read_through
from odeanalysis.verification.mutation.entries import CHANGES, RULE_TABLES, entries_read

x, W, k = oda.block("x", 3), oda.block("W", 3, 3), oda.block("k")
STATED = formula("f", [x, W, k], {"y": oda.sum(oda.tanh(W @ x)) + oda.maximum(k, 1) * k})


def titles(function, *arguments):
    return [entry.title for entry in entries_read(function, *arguments)]


def test_what_a_derivation_reads_and_nothing_else():
    assert titles(oda.vjp, STATED) == [
        "reverse rule Add, argument 1",
        "reverse rule Add, argument 2",
        "reverse rule Map, argument 2",
        "reverse rule MatMul, argument 1",
        "reverse rule MatMul, argument 2",
        "reverse rule Mul, argument 1",
        "reverse rule Mul, argument 2",
        "reverse rule Total, argument 1",
        "reverse rule maximum, argument 1",
        "derivative of maximum, argument 1",
        "derivative of tanh, argument 1",
    ]


def test_each_table_is_read_by_its_own_derivation():
    jacobian = formula("g", [x, W], {"y": oda.tanh(W @ x)[1:] ** 2})
    read = {title.rsplit(" ", 1)[0] for title in titles(oda.jacobian, jacobian, "y", x)}
    assert {"Jacobian rule", "rule of parts"} <= read
    assert all(title.startswith(("forward rule", "derivative of")) for title in titles(oda.jvp, STATED))


def test_only_square_matrices_are_transposed():
    turned = {entry.title for entry in entries_read(oda.vjp, STATED) if entry.turns}
    assert turned == {"reverse rule MatMul, argument 1"}
    assert {words for entry in entries_read(oda.vjp, STATED) for words, _ in entry.changes} == set(CHANGES)


@pytest.mark.parametrize("words", ["with its sign flipped", "dropped", "doubled"])
def test_every_entry_that_is_read_changes_the_derivative(words):
    right = oda.vjp(STATED)
    for entry in entries_read(oda.vjp, STATED):
        wrong = read_through(entry.wrong(CHANGES[words]), oda.vjp, STATED)
        assert wrong != right, entry.title
    assert oda.vjp(STATED) == right


def test_one_argument_of_a_rule_is_wrong_alone():
    product = formula("p", [x, W], {"y": W @ x})
    entry = next(one for one in entries_read(oda.vjp, product) if one.title == "reverse rule MatMul, argument 1")
    found, right = read_through(entry.wrong(CHANGES["dropped"]), oda.vjp, product), oda.vjp(product)
    assert found.output["W"] != right.output["W"] and found.output["x"] == right.output["x"]


def test_a_rule_of_another_table_is_left_right():
    """Both tables know MatMul; a wrong reverse rule is no wrong forward rule."""
    for entry in entries_read(oda.vjp, STATED):
        if entry.kind.table is PULLBACKS:
            assert read_through(entry.wrong(CHANGES["dropped"]), oda.jvp, STATED) == oda.jvp(STATED)


def test_tables_stay_as_they_are():
    rules, functions = dict(PULLBACKS), dict(FUNCTIONS)
    for entry in entries_read(oda.vjp, STATED):
        for _, change in entry.changes:
            read_through(entry.wrong(change), oda.vjp, STATED)
    assert rules == PULLBACKS and functions == FUNCTIONS


def test_a_rule_of_parts_may_find_nothing():
    kind = RULE_TABLES[-1]
    assert kind.around(lambda array, items: None, lambda part, found: found + 1)(x, ()) is None
    assert kind.around(lambda array, items: 1, lambda part, found: found + 1)(x, ()) == 2

"""Every derivation is proved step by step, and a wrong one is refused by the step that is wrong."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import sympy as sp

import odeanalysis as oda
from odeanalysis.derivations.adjoint import adjoint
from odeanalysis.derivations.derived import DerivedProblem
from odeanalysis.derivations.proof import Proof, prove
from odeanalysis.derivations.shrinking import SMALL, entries, named, shrink
from odeanalysis.errors import DerivationError
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.calculus import rules
from odeanalysis.symbolic.formula import Formula
from odeanalysis.symbolic.nodes import shape_of
from tests.cases import CASES

Change = Callable[[Any], Any]


@cache
def derived(name: str) -> DerivedProblem:
    return adjoint(CASES[name].problem())


@pytest.mark.parametrize("name", CASES)
def test_every_derivation_is_proved_by_exact_reduction(name: str):
    proof = prove(derived(name))
    assert proof.holds, [step.title for step in proof.failures]
    assert proof.symbolic
    assert {title.split(":")[0] for title in titles(proof)} >= {"hamiltonian", "system", "end", "start", "moving end", "moving start"}


def titles(proof: Proof) -> list[str]:
    return [step.title for step in proof.steps]


# ---------------------------------------------------------------- what is wrong is refused

CHANGES: dict[str, Change] = {
    "sign": lambda value: ex.mul(-1, value),
    "dropped": lambda value: ex.full(sp.Integer(0), shape_of(value)),
    "doubled": lambda value: ex.mul(2, value),
    "transposed": lambda value: ex.transpose(value),
    "term too many": lambda value: ex.add(value, sp.Rational(1, 1000)),
}
TAMPERED = ("scalar_linear", "state_blocks", "moving_observation", "observed_twice", "moving_ends", "moving_switch", "interpolated_input")


def altered(formula: Formula, output: str, change: Change) -> Formula | None:
    """The formula with one output changed; None where the change makes no difference."""
    outputs = tuple((name, change(value) if name == output else value) for name, value in formula.outputs)
    return None if outputs == formula.outputs else replace(formula, outputs=outputs)


def tampered(right: DerivedProblem, change: Change) -> Iterator[tuple[str, str, DerivedProblem]]:
    """The derivation with one output of one formula changed, for each of them."""
    for part in ("hamiltonian", "system", "start", "end", "marks"):
        formula = getattr(right, part)
        for output, _ in formula.outputs:
            if (wrong := altered(formula, output, change)) is not None:
                yield formula.name, output, replace(right, **{part: wrong})
    for i, jump in enumerate(right.jumps):
        for output, _ in jump.outputs:
            if (wrong := altered(jump, output, change)) is not None:
                yield jump.name, output, replace(right, jumps=(*right.jumps[:i], wrong, *right.jumps[i + 1 :]))


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", TAMPERED)
def test_a_changed_formula_is_refused_by_name(name: str, change: str):
    for formula, output, wrong in tampered(derived(name), CHANGES[change]):
        failures = prove(wrong).failures
        assert any(step.title.startswith(f"{formula}: {output} ") for step in failures), (formula, output)


def test_the_residual_is_what_differs():
    right = derived("scalar_linear")
    a, costate = oda.block("a"), oda.block("_a_z")
    wrong = altered(right.system, "a_z", CHANGES["sign"])
    assert wrong is not None
    (failed,) = prove(replace(right, system=wrong)).failures
    assert failed.title == "system: a_z = -dH/dz"
    assert sp.expand(failed.residual[0] - 2 * a * costate) == 0


def test_a_lost_output_and_an_unknown_one_are_refused():
    right = derived("scalar_linear")
    lost = replace(right, system=replace(right.system, outputs=right.system.outputs[:-1]))
    assert [step.title for step in prove(lost).failures] == ["system: grad_z0 = dH/dz0"]
    more = replace(right, end=replace(right.end, outputs=(*right.end.outputs, ("grad_other", sp.Integer(0)))))
    assert [step.title for step in prove(more).failures] == ["end: grad_other is no part of the derivation"]


@pytest.mark.parametrize("part", ["field", "initial", "terminal", "marks"])
def test_a_statement_that_is_not_the_problem_is_refused(part: str):
    right = derived("moving_ends")
    formula = getattr(right.parts, part)
    wrong = altered(formula, formula.outputs[0][0], CHANGES["term too many"])
    assert not prove(replace(right, parts=replace(right.parts, **{part: wrong}))).holds


def test_a_wrong_flag_is_refused():
    right = derived("moving_switch")
    flags = altered(right.parts.flags, right.parts.flags.outputs[0][0], lambda flag: 1 - flag)
    assert not prove(replace(right, parts=replace(right.parts, flags=flags))).holds


RULES = {"product": sp.Mul, "power": sp.Pow}


@pytest.mark.parametrize("rule", RULES)
def test_a_wrong_rule_of_the_calculus_is_refused(rule: str, monkeypatch: pytest.MonkeyPatch):
    right = rules.PULLBACKS[RULES[rule]]
    monkeypatch.setitem(rules.PULLBACKS, RULES[rule], lambda node, out, c, i: ex.mul(2, right(node, out, c, i)))
    assert not prove(adjoint(CASES["running_cost"].problem())).holds


def test_another_kind_of_derivation_is_refused():
    with pytest.raises(DerivationError, match="kind 'other'"):
        prove(replace(derived("scalar_linear"), kind="other"))


# ---------------------------------------------------------------- sizes


def network(width: int, head: int = 2, **parts: Any) -> Any:
    z, x = oda.block("z", head), oda.block("x", head)
    W, b, V = oda.block("W", width, head), oda.block("b", width), oda.block("V", head, width)
    field = parts.pop("field", lambda h: V @ h)(oda.tanh(W @ z + b))
    model = oda.Model(field={z: field}, initial={z: x}, domain=(0, 1), parameters=[W, b, V], inputs=[x])
    return oda.Problem(model, oda.Objective(terminal=oda.sumsq(z), running=oda.sumsq(V) / 10))


def test_large_sizes_are_proved_at_small_ones():
    large = adjoint(network(512, 64))
    proof = prove(large)
    assert proof.holds and proof.symbolic
    assert dict(proof.sizes)["W"] == (3, 2)
    wrong = altered(large.system, "grad_W", CHANGES["sign"])
    assert wrong is not None
    assert [step.title for step in prove(replace(large, system=wrong)).failures] == ["system: the rules give it at the stated sizes"]


def test_a_wrong_rule_is_refused_at_large_sizes_too(monkeypatch: pytest.MonkeyPatch):
    right = rules.PULLBACKS[ex.MatMul]
    monkeypatch.setitem(rules.PULLBACKS, ex.MatMul, lambda node, out, c, i: ex.mul(-1, right(node, out, c, i)))
    assert not prove(adjoint(network(512, 64))).holds


def test_small_problems_stay_as_they_are():
    problem = CASES["state_blocks"].problem()
    assert shrink(problem) is problem


def test_sizes_shrink_together():
    """A concatenation of both blocks keeps the length that it needs."""
    z, y, x = oda.block("z", 40), oda.block("y", 25), oda.block("x", 65)
    W = oda.block("W", 40, 65)
    field = {z: W @ oda.concat(z, y) + oda.sum(x[0] * z), y: oda.sin(y)}
    problem = oda.Problem(
        oda.Model(field=field, initial={z: ex.ones(40), y: ex.ones(25)}, domain=(0, 1), parameters=[W], inputs=[x]),
        oda.Objective(terminal=oda.sumsq(z) + oda.dot(x, oda.concat(z, y))),
    )
    small = shrink(problem)
    sizes = [shape_of(leaf) for leaf in named(small)]
    assert entries(named(small)) <= SMALL
    assert sizes[0][0] + sizes[1][0] == sizes[3][0] == sizes[2][1]
    assert prove(adjoint(problem)).holds


def test_sizes_that_an_index_counts_on_stay():
    z, W = oda.block("z", 8), oda.block("W", 300, 8)
    field = {z: oda.concat(z[4:], -z[:4]) + oda.sum(oda.tanh(W @ z)) * z[6]}
    model = oda.Model(field=field, initial={z: ex.ones(8)}, domain=(0, 1), parameters=[W])
    small = shrink(oda.Problem(model, oda.Objective(terminal=oda.sumsq(z))))
    assert [shape_of(leaf) for leaf in named(small)] == [(8,), (3, 8)]


def test_what_cannot_be_written_out_is_inconclusive():
    z, W = oda.block("z", 30), oda.block("W", 30, 30)
    model = oda.Model(field={z: W @ z + z[17]}, initial={z: ex.ones(30)}, domain=(0, 1), parameters=[W])
    with pytest.raises(DerivationError, match="930 entries"):
        prove(adjoint(oda.Problem(model, oda.Objective(terminal=oda.sumsq(z)))))


def test_symbolic_sizes_may_be_given():
    n, m = sp.Symbol("n", integer=True), sp.Symbol("m", integer=True)
    proof = prove(derived("symbolic_sizes"), {n: 1, m: 4})
    assert proof.holds
    assert dict(proof.sizes)["W"] == (4, 1)

"""The claims: their verdicts, computed and repeatable, and gone as soon as anything in the derivation is wrong."""

import json
import sys
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

import odeanalysis as oda
from odeanalysis.derivations import adjoint
from odeanalysis.derivations.parts import COST
from odeanalysis.numerics.gradients import boundary, continuous, discrete, program, second
from odeanalysis.symbolic import nodes
from odeanalysis.symbolic.calculus.rules import PULLBACKS
from odeanalysis.symbolic.functions import FUNCTIONS
from odeanalysis.verification import runner
from odeanalysis.verification.border import Raised, border
from odeanalysis.verification.claim import Check, Evidence, Form, Gap, checks, verdict
from odeanalysis.verification.claims import CLAIMS
from odeanalysis.verification.proof import Step
from odeanalysis.verification.report import document, report_from
from odeanalysis.verification.ways import WAYS as DECLARED
from odeanalysis.verification.ways import base
from tests.verification.own import told
from tests.verification.reports import report

VERDICTS = {
    "generalized-adjoint": "holds as corrected",
    "input-gradient": "holds",
    "end-depth": "holds",
    "observations": "holds",
    "functional-gradient": "holds as corrected",
    "spectral-gradient": "holds as corrected",
    "stacked-gradient": "holds as corrected",
    "stacked-equivalence": "holds",
    "adaptive-depth": "holds",
    "integral-regularizers": "holds as corrected",
    "discrete-adjoint": "holds",
    "second-order": "holds",
    "well-posedness": "holds as corrected",
    "reflection": "holds",
    "order-preservation": "holds as corrected",
    "orientation": "false as stated",
    "depth-variance": "holds",
    "deep-limit": "holds",
    "zero-augmentation": "holds",
    "input-layer": "holds",
    "structured-augmentation": "holds",
    "higher-order": "holds",
    "selective-higher-order": "holds",
    "data-control": "holds",
    "flow-divergence": "holds",
    "conditional-flow": "false as stated",
    "conditional-necessity": "holds as corrected",
    "adaptive-reflection": "holds as corrected",
}


def test_every_claim_has_its_verdict_here():
    assert set(CLAIMS) == set(VERDICTS)


@pytest.mark.parametrize("name", VERDICTS)
def test_every_claim_is_proved_measured_in_two_ways_and_sabotaged_and_has_its_verdict(name):
    found = report(name)
    assert found.verdict == VERDICTS[name] and found.backed, [check for check in found.checks if not check.passed]
    assert found.proof and all(step.holds for step in found.proof)
    measured = [check.name.removeprefix("corrected, ").partition(": ") for check in found.checks if check.name.startswith("corrected, ")]
    ways = {instance: {way for way, _, other in measured if other == instance} for _, _, instance in measured}
    assert ways and all(len(one) >= 2 and not all(DECLARED[base(way)].ours for way in one) for one in ways.values())
    assert sum(check.name.startswith("sabotaged form refused") for check in found.checks) == 1
    assert (found.counterexample is not None) == (found.verdict in ("holds as corrected", "false as stated")) and found.figures
    assert report_from(json.loads(json.dumps(document(found), allow_nan=False))) == found


@pytest.mark.xdist_group("generalized-adjoint")
def test_the_printed_form_is_quoted_and_its_smallest_counterexample_shown():
    """z' = p, z(0) = 1, l = (p z)^2 on [0, 1] has the loss p^2 (1 + p + p^2/3), of which the print misses the part from l."""
    found = report("generalized-adjoint")
    assert found.printed is not None and "int_S a^T(tau)" in found.printed
    shown = found.counterexample
    assert shown is not None and shown["field"] == {"z": "p"} and shown["running"] == "p**2*z**2" and shown["values"] == {"p": 1.0}
    exact = 2 + 3 + Fraction(4, 3)
    assert shown["complex step"] == pytest.approx(float(exact), rel=1e-9) and abs(shown["printed"] - float(exact)) > 1


@pytest.mark.xdist_group("functional-gradient")
def test_the_counterexample_to_the_theorem_on_functions_has_a_function():
    """z' = p(s) = s from 1, l = (p z)^2: z = 1 + s^2/2, a = int_s^1 2 p^2 z, and D ell[1] has int a = 2/3 and int 2 p z^2 = 19/12."""
    shown = report("functional-gradient").counterexample
    assert shown is not None and (shown["field"], shown["functions of depth"]) == ({"z": "p"}, {"p": "eps + s"})
    assert shown["running"] == "p**2*z**2" and shown["printed"] == pytest.approx(2 / 3, rel=1e-9)
    for way in ("complex step", "forward sensitivities", "SciPy, differences"):
        assert shown[way] == pytest.approx(float(Fraction(2, 3) + Fraction(19, 12)), rel=1e-9)


@pytest.mark.xdist_group("deep-limit")
def test_the_same_in_other_processes_and_with_the_same_seed_to_the_digit():
    names = ["deep-limit", "reflection"]
    again = runner.verify(names, seed=0, jobs=2)
    assert [told(one) for one in again] == [told(report(name)) for name in names]


@pytest.mark.parametrize("name", ["reflection", "integral-regularizers", "deep-limit"])
def test_another_seed_draws_other_instances(name):
    first, other = report(name), runner.examine(name, 1)
    assert other.verdict == VERDICTS[name] and other.backed
    assert {check.name for check in first.checks} != {check.name for check in other.checks}


def test_every_claim_shows_a_derivation_and_those_on_volumes_that_of_the_determinant():
    shown = {name: claim.shown() for name, claim in CLAIMS.items() if claim.shown is not None}
    assert set(shown) == set(VERDICTS)
    assert all("hamiltonian" in {step.name for step in adjoint.adjoint(shown[name]).steps} for name in ("depth-variance", "well-posedness"))
    for name in ("order-preservation", "orientation"):
        assert [z.name for z in shown[name].model.states] == ["z", "log_det"]


def test_an_unknown_claim():
    with pytest.raises(
        oda.ModelError, match=r"there is no claim 'end_depth'; did you mean 'end-depth'; the claims are generalized-adjoint, "
    ):
        runner.verify(["end_depth"])


def test_a_claim_that_raises_is_inconclusive_and_others_go_on(monkeypatch):
    def raises():
        raise oda.SolveError("the field is not finite")

    monkeypatch.setitem(CLAIMS, "end-depth", replace(CLAIMS["end-depth"], prove=raises))
    first, other = runner.verify(["end-depth", "reflection"])
    assert first.verdict == "inconclusive" and not first.backed
    assert first.checks[0].name == "ran to its end: SolveError: the field is not finite"
    assert other.verdict == "holds"


# ---------------------------------------------------------------- a broken derivation


@pytest.fixture
def afresh():
    """Nothing that was derived before is used, nor what is derived here used afterwards."""
    for cached in (program.program, program.stated):
        cached.cache_clear()
    yield
    for cached in (program.program, program.stated):
        cached.cache_clear()


def flipped_rule(monkeypatch, node):
    right = PULLBACKS[node]
    monkeypatch.setitem(PULLBACKS, node, lambda *arguments: -right(*arguments))


def flipped_derivative(monkeypatch, name):
    right = FUNCTIONS[name]
    partials = tuple(lambda *arguments, p=p: -p(*arguments) for p in right.partials)
    monkeypatch.setitem(FUNCTIONS, name, replace(right, partials=partials))


def flipped_running_cost(monkeypatch):
    """H = -l + a^T f."""
    right = adjoint.seeds

    def wrong(stated):
        return {**right(stated), COST.name: -right(stated)[COST.name]}

    for module in (adjoint, program):
        monkeypatch.setattr(module, "seeds", wrong)


def without_moving_depths(monkeypatch):
    monkeypatch.setattr(boundary, "_to_marks", lambda setting, back: None)


def flipped_ends(monkeypatch):
    right = continuous._end

    def wrong(forms, back, j, node, state, costate, sign):
        return right(forms, back, j, node, state, costate, -sign)

    monkeypatch.setattr(continuous, "_end", wrong)


def longer_steps(monkeypatch):
    """Twice the cotangent of each step's state."""
    right = discrete.step_cotangents
    for module in (discrete, second):
        monkeypatch.setattr(module, "step_cotangents", lambda *arguments: 2 * right(*arguments))


def flipped_lengths_of_steps(monkeypatch):
    """Steps of a segment that grows become shorter."""
    right = discrete._to_nodes
    monkeypatch.setattr(discrete, "_to_nodes", lambda nodes, segment, t, dt, depth, step: right(nodes, segment, t, dt, depth, -step))


def costs_without_tangents(monkeypatch):
    """The cotangents that costs send back do not move."""
    right = second.Tangent._cost_tangents

    def wrong(tangent):
        found = right(tangent)
        return replace(found, states=0 * found.states)

    monkeypatch.setattr(second.Tangent, "_cost_tangents", wrong)


def rewarding_penalties(monkeypatch):
    """int l ds in the place of int l |ds|."""
    monkeypatch.setitem(sys.modules["odeanalysis.modeling.transforms.regularize"].MEASURES, "absolute", lambda length: 1)


BREAKS = {
    "the rule of products": (lambda m: flipped_rule(m, sp.Mul), ("integral-regularizers",)),
    "the rule of powers": (lambda m: flipped_rule(m, sp.Pow), ("integral-regularizers",)),
    "the rule of matrix products": (lambda m: flipped_rule(m, nodes.MatMul), ("higher-order",)),
    "the derivative of sin": (lambda m: flipped_derivative(m, "sin"), ("end-depth",)),
    "the derivative of tanh": (lambda m: flipped_derivative(m, "tanh"), ("structured-augmentation",)),
    "the running cost in H": (flipped_running_cost, ("integral-regularizers",)),
    "the gradients of depths": (without_moving_depths, ("end-depth",)),
    "H at the ends": (flipped_ends, ("end-depth",)),
    "the reverse step": (longer_steps, ("second-order", "discrete-adjoint")),
    "the lengths of steps": (flipped_lengths_of_steps, ("discrete-adjoint",)),
    "the measure of penalties": (rewarding_penalties, ("adaptive-depth",)),
    "the tangents of costs": (costs_without_tangents, ("second-order",)),
}


def is_gone(claim):
    """Whether a claim has no verdict: a step of its proof fails, so that nothing need be measured, or what is measured says so."""
    try:
        with border():
            if not all(step.holds for step in claim.prove()):
                return True
            evidence = claim.measure(0)
    except Raised:
        return True
    return verdict(claim, evidence, True) == "inconclusive" and not all(check.passed for check in checks(claim, evidence, ()))


@pytest.mark.parametrize("broken", BREAKS)
def test_one_wrong_sign_and_the_verdict_is_gone(monkeypatch, afresh, broken):
    breaks, claims = BREAKS[broken]
    breaks(monkeypatch)
    for name in claims:
        assert is_gone(CLAIMS[name]), name


def test_without_a_wrong_sign_it_is_not():
    assert not is_gone(CLAIMS["reflection"])


# ---------------------------------------------------------------- verdicts from measurements


def form(*misses, instance="one"):
    return Form(tuple(Gap(instance, way, miss, 1e-6) for way, miss in zip(WAYS, misses, strict=False)))


WAYS = ("solver", "SciPy")
GOOD, FINE, BAD, BETWEEN = form(1e-9, 1e-8), form(1e-8, 1e-9), form(0.5, 0.4), form(1e-5, 1e-5)


QUOTING = CLAIMS["reflection"]
SILENT = replace(QUOTING, printed=None)


@pytest.mark.parametrize(
    ("claim", "evidence", "proved", "expected"),
    [
        (SILENT, Evidence(GOOD, BAD), True, "holds"),
        (QUOTING, Evidence(GOOD, BAD), True, "inconclusive"),
        (QUOTING, Evidence(GOOD, BAD, restored=GOOD), True, "inconclusive"),
        (QUOTING, Evidence(GOOD, BAD, FINE), True, "holds"),
        (QUOTING, Evidence(GOOD, BAD, GOOD.as_printed("one statement")), True, "holds"),
        (QUOTING, Evidence(BETWEEN, BAD, BETWEEN.as_printed("one statement")), True, "inconclusive"),
        (QUOTING, Evidence(GOOD, BAD, BAD, GOOD), True, "holds as corrected"),
        (QUOTING, Evidence(GOOD, BAD, BAD), True, "false as stated"),
        (QUOTING, Evidence(GOOD, BAD, BAD, BAD), True, "false as stated"),
        (QUOTING, Evidence(GOOD, BAD, BAD, BETWEEN), True, "inconclusive"),
        (QUOTING, Evidence(GOOD, BAD, BETWEEN, GOOD), True, "inconclusive"),
        (SILENT, Evidence(GOOD, BAD), False, "inconclusive"),
        (SILENT, Evidence(BAD, BAD), True, "inconclusive"),
        (SILENT, Evidence(BETWEEN, BAD), True, "inconclusive"),
        (SILENT, Evidence(GOOD, GOOD), True, "inconclusive"),
        (SILENT, Evidence(GOOD, BETWEEN), True, "inconclusive"),
        (SILENT, Evidence(Form(()), BAD), True, "inconclusive"),
        (SILENT, Evidence(GOOD, Form(())), True, "inconclusive"),
    ],
)
def test_verdicts_are_computed(claim, evidence, proved, expected):
    assert verdict(claim, evidence, proved) == expected


def test_a_quoted_sentence_that_is_not_measured_is_told():
    missed = [check for check in checks(QUOTING, Evidence(GOOD, BAD), ()) if not check.passed]
    assert [check.name for check in missed] == ["sentences that are quoted and not measured"]
    assert all(check.passed for check in checks(SILENT, Evidence(GOOD, BAD), ()))


def test_a_print_that_is_measured_and_not_quoted_is_an_error():
    with pytest.raises(oda.ModelError, match="'reflection' quotes no sentence, but a printed form was measured; quote it, or give no"):
        verdict(SILENT, Evidence(GOOD, BAD, FINE), True)


def test_a_print_that_is_measured_by_the_corrected_form_says_so():
    with pytest.raises(oda.ModelError, match="'reflection' measures its print by the corrected form; measure the sentence by itself, or"):
        verdict(QUOTING, Evidence(GOOD, BAD, GOOD), True)
    names = [check.name for check in checks(QUOTING, Evidence(GOOD, BAD, GOOD.as_printed("one statement")), ())]
    assert "the print is right as it stands (one statement), SciPy: one" in names


@pytest.mark.parametrize("name", [name for name, claim in CLAIMS.items() if claim.printed is not None])
def test_every_quoted_sentence_is_measured_and_decided(name):
    of_the_print = [check for check in report(name).checks if check.name.startswith(("printed form decided", "the print is right as it"))]
    assert len(of_the_print) == 1 and of_the_print[0].passed


def test_a_form_fails_where_every_way_of_measuring_misses_on_one_instance():
    assert BAD.fails and not BETWEEN.fails and not GOOD.fails
    assert not form(0.5, 1e-9).fails and not form(0.5, 1e-9).passes
    mixed = Form((*form(1e-9, 1e-9, instance="easy").gaps, *form(0.5, 0.5, instance="hard").gaps))
    assert mixed.fails and mixed.worst.instance == "hard"


def test_a_measurement_that_is_not_a_number_decides_nothing():
    lost = form(float("nan"), float("nan"))
    assert not lost.fails and not lost.passes and np.isnan(lost.worst.measured)
    assert verdict(SILENT, Evidence(GOOD, lost), True) == "inconclusive" == verdict(QUOTING, Evidence(GOOD, BAD, lost), True)
    assert form(float("inf"), float("inf")).fails


def test_one_way_of_measuring_decides_nothing():
    assert not form(1e-9).passes and not form(0.5).fails and verdict(SILENT, Evidence(form(1e-9), BAD), True) == "inconclusive"


@pytest.mark.parametrize(
    ("ways", "enough"),
    [
        (("solver", "SciPy"), True),
        (("complex step", "forward sensitivities", "SciPy, differences"), True),
        (("closed form", "SciPy"), True),
        (("solver, tsit5", "solver, DOP853"), False),
        (("solver", "complex step", "adjoint", "forward sensitivities"), False),
        (("SciPy, differences", "SciPy, one-sided differences"), False),
        (("closed form",), False),
    ],
)
def test_two_ways_are_two_of_the_table_and_one_is_not_ours(ways, enough):
    kept, missed = (Form(tuple(Gap("one", way, miss, 1e-6) for way in ways)) for miss in (1e-9, 0.5))
    assert kept.passes == missed.fails == enough
    beside = Form((*kept.gaps, Gap("another", "solver", 1e-9, 1e-6), Gap("another", "complex step", 1e-9, 1e-6)))
    assert not beside.passes


def test_a_way_that_no_table_declares():
    with pytest.raises(oda.ModelError, match="there is no way of measuring 'tsit5'; name one of solver, complex step"):
        Gap("one", "tsit5, twice", 0.0, 1e-6)


def test_bounds_are_above_zero():
    with pytest.raises(oda.ModelError, match="bound of 'one' is 0"):
        Gap("one", "SciPy", 0.0, 0.0)


def test_a_refuted_print_without_a_counterexample_is_not_backed():
    shown = [checks(QUOTING, Evidence(GOOD, BAD, BAD, GOOD, counterexample), ()) for counterexample in (None, {"x": 1})]
    assert [all(check.passed for check in found) for found in shown] == [False, True]


def test_a_report_lists_every_measurement():
    evidence = Evidence(GOOD, BAD, BAD, counterexample={}, extra=(Check("more", 0.0, 1.0, True),))
    found = checks(QUOTING, evidence, [Step("identity", True, "symbolic"), Step("wrong", False, "undecided")])
    assert [check.passed for check in found] == [True, False, True, True, True, True, True, True]
    assert [check.name.split(":")[0] for check in found] == [
        *("proof", "proof", "corrected, solver", "corrected, SciPy"),
        *("printed form decided, solver", "counterexamples to the print that are missing", "sabotaged form refused, solver", "more"),
    ]

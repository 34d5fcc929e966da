"""Steps of proofs: what holds is found to hold, what does not is not."""

import pytest
import sympy as sp

from odeanalysis.derivations.proof import Proof, Proved
from odeanalysis.errors import ModelError
from odeanalysis.modeling.model import Model, Objective, Problem
from odeanalysis.symbolic.expressions import block
from odeanalysis.symbolic.zero import Zero
from odeanalysis.verification import proof
from odeanalysis.verification.proof import Step, decided, derivation_holds, fact, identity, positive

s, theta = sp.symbols("s theta", real=True)
a = sp.Symbol("a", positive=True)
J = sp.Matrix([[0, -1], [1, 0]])


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (sp.Derivative(sp.exp(theta * s), s), theta * sp.exp(theta * s)),
        (sp.Integral(sp.cos(s), (s, 0, sp.pi / 2)), 1),
        (sp.Limit((sp.exp(theta * s) - 1) / s, s, 0), theta),
        ((J * sp.pi).exp(), -sp.eye(2)),
        (J * J + sp.eye(2), 0),
        (sp.cos(theta) ** 2 + sp.sin(theta) ** 2, 1),
    ],
)
def test_identities(left, right):
    step = identity("it holds", left, right)
    assert step.holds and step.way == "symbolic" and "=" in step.latex
    off = sp.Rational(1, 7) * (sp.ones(2, 2) if isinstance(left, sp.MatrixBase) else 1)
    assert not identity("it does not", left + off, right).holds


def test_signs():
    assert positive("a square plus one", theta**2 + 1).holds and positive("a positive symbol", a**2 + a).holds
    assert not positive("a square may vanish", theta**2).holds and not positive("a real may be negative", theta).holds


def test_facts():
    assert fact("a set of eigenvalues", set(J.eigenvals()) == {sp.I, -sp.I}).holds
    assert fact("SymPy's truth", sp.true).holds
    assert not fact("something truthy is no truth", 1).holds and not fact("an undecided relation", theta > 0).holds


def test_the_steps_of_a_derivation():
    z, p = block("z"), block("p")
    problem = Problem(Model({z: -p * z}, {z: 1}, (0, 1), (p,)), Objective(terminal=z**2))
    steps = list(derivation_holds([("decay", problem)]))
    assert len(steps) > 10 and all(step.holds and step.title.startswith("decay: ") for step in steps)


def test_numbers_prove_nothing():
    for answer in (Zero(True, "numeric"), Proved("small", (), True, "numeric"), Zero(False, "undecided")):
        step = decided("small", answer)
        assert (step.holds, step.way) == (False, answer.way)
    assert decided("none", Zero(True, "symbolic")).holds and decided("the same", Proved("", (), True, "structural")).holds
    with pytest.raises(ModelError, match="'small' cannot be proved in the way 'numeric'; reduce it to zero, or measure it instead"):
        Step("small", True, "numeric")


def test_an_identity_that_only_numbers_confirm_is_not_proved():
    """SymPy reduces Bessel's recurrence, and not asin(a/sqrt(1 + a^2)) = atan a, though both are true."""
    reduced = identity("a recurrence", sp.besselj(0, a) + sp.besselj(2, a), 2 * sp.besselj(1, a) / a)
    assert (reduced.holds, reduced.way) == (True, "symbolic")
    confirmed = identity("an angle", sp.asin(a / sp.sqrt(1 + a**2)), sp.atan(a))
    assert (confirmed.holds, confirmed.way) == (False, "numeric")
    both = identity("one of each", sp.Matrix([0, sp.atan(a)]), sp.Matrix([0, sp.asin(a / sp.sqrt(1 + a**2))]))
    assert (both.holds, both.way) == (False, "numeric")


def test_a_derivation_that_only_numbers_confirm_is_not_proved(monkeypatch):
    monkeypatch.setattr(proof, "prove", lambda derived: Proof((Proved("by numbers", (), True, "numeric"),), ()))
    z = block("z")
    (one,) = derivation_holds([("decay", Problem(Model({z: -z}, {z: 1}, (0, 1)), Objective(terminal=z**2)))])
    assert (one.holds, one.way) == (False, "numeric")

"""Claims of the user's own: read from files, made in Python, written, kept by problems, and left alone by all that is derived."""

import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

import odeanalysis as oda
from odeanalysis.derivations.shrinking import shrink
from odeanalysis.modeling.modelfile import loads
from odeanalysis.modeling.properties import KINDS
from odeanalysis.modeling.writing import dumps
from odeanalysis.reports.derivation import FORMATS
from odeanalysis.testing import assert_claim
from tests.modeling.files import GALERKIN, GROWTH, REGULARIZE, SIGNAL

s = oda.depth
z, k, x = oda.block("z"), oda.block("k"), oda.block("x")
v, W = oda.block("v", 2), oda.block("W", 2, 2)
CLAIMS = """
[claims]
conserved = ["z*exp(k*s)", "concat(z - z, 1)"]
positive = ["z", "v + 1"]
increasing = ["-z"]
decreasing = ["where(s < 1, z, z/2)"]
between = [{ value = "z", low = 0, high = "x" }, { value = "v", high = "zeros(2)" }, { value = "W @ v", low = -0.5 }]
equilibria = [{ v = "zeros(2)", z = 0 }]
"""
STATED = (
    oda.conserved(z * oda.exp(k * s)),
    oda.conserved(oda.concat(0, 1)),
    oda.positive(z),
    oda.positive(v + 1),
    oda.increasing(-z),
    oda.decreasing(oda.where(s < 1, z, z / 2)),
    oda.between(z, 0, x),
    oda.between(v, high=oda.zeros(2)),
    oda.between(W @ v, low=-0.5),
    oda.equilibrium({v: oda.zeros(2), z: 0}),
)
SENTENCES = (
    "conserved: z*exp(k*s)",
    "conserved: concat(0, 1)",
    "z stays above 0",
    "v + 1 stays above 0",
    "-z never falls",
    "where(s < 1, z, z/2) never rises",
    "z stays between 0 and x",
    "v stays at or below zeros(2)",
    "W @ v stays at or above -0.5",
    "at rest where z = 0, v = zeros(2)",
)


def growth(*claims: Any) -> oda.Problem:
    return replace(loads(GROWTH), claims=claims)


def test_files_and_python_state_the_same_claims():
    read = loads(GROWTH + CLAIMS)
    assert read == growth(*STATED) and hash(read) == hash(growth(*STATED)) and read != loads(GROWTH)
    assert tuple(map(str, read.claims)) == SENTENCES


def test_every_kind_is_stated_here():
    assert {claim.kind for claim in STATED} == set(KINDS)


def test_claims_are_kept_in_the_order_of_their_kinds():
    kept = growth(*reversed(STATED)).claims
    assert [claim.kind for claim in kept] == [claim.kind for claim in STATED] and set(kept) == set(growth(*STATED).claims)
    turned = CLAIMS.replace("[claims]", "").strip().splitlines()[::-1]
    assert loads(GROWTH + "\n".join(["[claims]", *turned])) == loads(GROWTH + CLAIMS)


def test_claims_are_copied_pickled_and_compared():
    stated = growth(*STATED)
    assert pickle.loads(pickle.dumps(stated)) == stated and replace(stated, reduction="sum").claims == stated.claims
    assert (
        oda.between(z, 0, 1) != oda.between(z, 0) and oda.positive(z) != oda.increasing(z) and oda.positive(0.5) == oda.positive(sp.S.Half)
    )
    assert growth().claims == () and {oda.positive(sp.Symbol("z")), oda.positive(z)} == {oda.positive(z)}


# ---------------------------------------------------------------- written and read again


def test_what_is_written_reads_as_the_same():
    stated = growth(*STATED)
    assert loads(dumps(stated)) == stated and "[claims]" not in dumps(growth())
    assert 'between = [{ value = "z", low = "0", high = "x" }, ' in dumps(stated)
    assert 'equilibria = [{ z = "0", v = "zeros(2)" }]' in dumps(stated)


def expressions() -> st.SearchStrategy[Any]:
    leaf = st.sampled_from([z, k, x, s, v[0], v @ v, sp.Rational(1, 3)])
    pair = st.tuples(leaf, leaf)
    made = (
        pair.map(lambda two: two[0] * oda.sin(two[1]))
        | pair.map(lambda two: oda.where(s < k, *two))
        | pair.map(lambda two: two[0] - two[1])
    )
    return leaf | made | made.map(lambda one: v * one)


def claims() -> st.SearchStrategy[oda.Property]:
    one = st.sampled_from([oda.conserved, oda.positive, oda.increasing, oda.decreasing])
    plain = st.builds(lambda make, value: make(value), one, expressions())
    bound = st.sampled_from([0, k, x / 2, -1.25])
    bounded = st.builds(oda.between, expressions(), bound) | st.builds(lambda e, b: oda.between(e, high=b), expressions(), bound)
    rest = st.builds(lambda one, two: oda.equilibrium({z: one, v: two * oda.ones(2)}), bound, bound)
    return plain | bounded | st.builds(oda.between, expressions(), bound, bound) | rest


@given(drawn=st.lists(claims(), max_size=6, unique=True))
def test_any_claims_are_written_and_read_again(drawn: list[oda.Property]):
    stated = growth(*drawn)
    assert loads(dumps(stated), "another name") == stated and set(stated.claims) >= {one for one in drawn if one.kind != "equilibrium"}
    assert all("\n" not in str(one) and len(str(one)) > 5 for one in stated.claims)


# ---------------------------------------------------------------- transforms and derivations


def test_a_name_that_varies_with_depth_means_its_value_there():
    stated = loads(SIGNAL + GALERKIN + '[claims]\npositive = ["k"]\n')
    (varying,) = stated.model.varying
    assert stated.claims == (oda.positive(varying),)


def test_transforms_of_problems_keep_the_claims():
    listed = '[claims]\nconserved = ["z*exp(k*s)"]\ndecreasing = ["z - s"]\n'
    stated = loads(SIGNAL + listed)
    assert loads(SIGNAL + REGULARIZE + listed).claims == stated.claims
    moved = oda.unit_domain(stated)
    assert moved.claims == (oda.conserved(z * oda.exp(2 * k * s)), oda.decreasing(z - 2 * s))
    for one in (stated, moved):
        assert all(assert_claim(one, {"k": 0.7}, claim).gap < 1e-9 for claim in one.claims)


def test_what_is_derived_and_computed_leaves_them_alone():
    plain, claimed = loads(GROWTH), loads(GROWTH + CLAIMS)
    values = {"k": 0.3, "W": [[0.1, 0.2], [0.3, 0.4]], "x": [1.0, 2.0]}
    (value, gradients), (wanted, slopes) = (oda.value_and_gradient(one, values) for one in (claimed, plain))
    assert value == wanted and all((gradients[name] == slopes[name]).all() for name in slopes)
    assert all(show(oda.adjoint(claimed)) == show(oda.adjoint(plain)) for name, show in FORMATS.items() if name != "html")
    assert oda.check(claimed, values).verdict == "confirmed"


def test_proofs_at_small_sizes_need_no_claims():
    """An entry that a claim counts on would pin the size, and the proof would be as large as the problem."""
    large, weights = oda.block("z", 50), oda.block("W", 50, 50)
    model = oda.Model({large: oda.tanh(weights @ large)}, {large: oda.zeros(50)}, (0, 1), [weights])
    objective = oda.Objective(oda.sumsq(large))
    assert shrink(oda.Problem(model, objective, claims=[oda.positive(large[17])])) == shrink(oda.Problem(model, objective))


# ---------------------------------------------------------------- what is refused

# under [claims], and words that the message must hold: the key, and what to do
WRONG: dict[str, tuple[str, tuple[str, ...]]] = {
    "unknown kind": ('conservd = ["z"]', ("claims has the key 'conservd'", "did you mean 'conserved'?")),
    "no list": ('positive = "z"', ("claims.positive is a string, 'z'", 'array, as in ["z"]')),
    "a table for a list": ("between = { value = 1 }", ("claims.between is a table", '[{ value = "z", low = 0 }]')),
    "a list for an expression": ('conserved = [["z"]]', ("claims.conserved[0] is an array", "write a number, or an expression")),
    "a bound that is no table": ('between = ["z"]', ("claims.between[0] is a string, 'z'", "a table")),
    "unknown key of a bound": ('between = [{ value = "z", lo = 0 }]', ("claims.between[0] has the key 'lo'", "did you mean 'low'?")),
    "no value": ("between = [{ low = 0 }]", ("claims.between[0] has no value", 'add value = "z"')),
    "no bound": ('between = [{ value = "z" }]', ("between gives z no bound", "add low, high or both")),
    "bound of another shape": ('between = [{ value = "z", low = "v" }]', ("between has a low of shape (2,) for a value of ()", "scalar")),
    "infinite bound": ('between = [{ value = "z", low = inf }]', ("claims.between[0].low is inf", "finite")),
    "unknown name": ('positive = ["z", "zz - 1"]', ("claims.positive[1]: unknown name 'zz'", "did you mean", "\n    zz - 1\n    ^")),
    "a condition": ('positive = ["z > 1"]', ("claims.positive[0]", "where(condition, u, v)", "^^^^^")),
    "shapes that do not fit": ('positive = ["v + zeros(3)"]', ("claims.positive[0]", "(2,)", "(3,)", "^")),
    "no entries": ('positive = ["zeros(0)"]', ("positive has a value of shape (0,)", "that has some")),
    "twice": ('positive = ["z + 1", "1 + z"]', ("positive states twice: z + 1 stays above 0", "keep one")),
    "rest of no state": ("equilibria = [{ zz = 0 }]", ("claims.equilibria[0] has a value for 'zz'", "no state", "did you mean 'z'?")),
    "rest of some states": ("equilibria = [{ z = 0 }]", ("equilibria has no value for state 'v'", "one for each state")),
    "rest of another shape": ("equilibria = [{ z = 0, v = 0 }]", ("equilibria: 'v' has shape (), but needs (2,)",)),
    "rest at a state": ('equilibria = [{ z = "z", v = "zeros(2)" }]', ("equilibria: 'z' uses 'z'", "a state of rest")),
    "rest that moves": ('equilibria = [{ z = "s", v = "zeros(2)" }]', ("equilibria: 'z' uses 's'", "a state of rest")),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_claims_in_files_are_refused(name: str):
    text, words = WRONG[name]
    with pytest.raises((oda.ModelError, oda.LanguageError)) as error:
        loads(f"{GROWTH}[claims]\n{text}", "file.toml")
    for word in ("file.toml: ", *words):
        assert word in str(error.value), error.value


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "no claim": (lambda: growth("z > 0"), r"claims of 'growth' has the entry 'z > 0'; give conserved\(\.\.\.\), positive"),
    "one claim": (lambda: replace(growth(), claims=oda.positive(z)), r"claims of 'growth' is .*; give a list"),
    "unknown kind": (lambda: oda.Property("conservd", {"value": z}), "no claim 'conservd'; did you mean 'conserved'?"),
    "no expression": (lambda: oda.positive("z"), "'z' is no expression"),
    "not finite": (lambda: oda.between(z, low=float("inf")), "inf is no finite number"),
    "no real number": (lambda: growth(oda.positive(sp.sqrt(-1) * z)), "claims of 'growth': positive is not real"),
    "unknown name": (lambda: growth(oda.positive(oda.block("q"))), "claims of 'growth': positive uses 'q', which is no state"),
    "another shape": (lambda: growth(oda.positive(oda.block("v", 3))), r"uses 'v' with shape \(3,\), where 'v' has shape \(2,\)"),
    "a condition": (lambda: growth(oda.positive(sp.Symbol("z", real=True) > 1)), "a condition and no number"),
    "other parts": (lambda: growth(oda.Property("positive", {"value": z, "low": 0})), "positive has the parts value, low; give value"),
    "no parts": (lambda: growth(oda.Property("between", {"low": 0})), "between has the parts low; give value, low, high"),
    "text for a state": (lambda: growth(oda.equilibrium({"z": 0, v: oda.zeros(2)})), "equilibria has a value for z, which is no state"),
    "no mapping": (lambda: oda.equilibrium(z), "the claim 'equilibrium' is z; give a mapping"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_wrong_claims_in_python_are_refused(name: str):
    make, message = REFUSED[name]
    with pytest.raises(oda.ModelError, match=message):
        make()

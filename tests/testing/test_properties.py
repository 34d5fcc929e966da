"""`assert_claim`: right claims pass and wrong ones fail, with the depth, the sample and the entry that show it."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

import odeanalysis as oda
from odeanalysis.modeling.properties import KINDS
from odeanalysis.testing import assert_claim
from odeanalysis.testing.properties import RULES
from tests.cli.running import LYNX_HARE

s = oda.depth
z, y, k, c = (oda.block(name) for name in "zykc")
v = oda.block("v", 2)


def problem(field: dict[Any, Any], initial: dict[Any, Any], domain: Any = (0, 2), parameters: Any = (), **parts: Any) -> oda.Problem:
    return oda.Problem(oda.Model(field, initial, domain, parameters, **parts), oda.Objective())


def turning(domain: Any = (0, 2)) -> oda.Problem:
    """v = (cos k s, sin k s) from (1, 0) at s = s0 = 0."""
    return problem({v: k * oda.concat(-v[1], v[0])}, {v: oda.concat(1, 0)}, domain, [k])


def fails(stated: oda.Problem, values: dict[str, Any], claim: oda.Property, *words: str, **settings: Any) -> str:
    with pytest.raises(AssertionError) as error:
        assert_claim(stated, values, claim, **settings)
    message = str(error.value)
    assert str(claim) in message and "\n" not in message
    for one in words:
        assert one in message, message
    return message


# ---------------------------------------------------------------- each kind, right and wrong

RIGHT: dict[str, Callable[[], oda.Property]] = {
    "conserved": lambda: oda.conserved(oda.sumsq(v)),
    "conserved entries": lambda: oda.conserved(oda.concat(oda.sumsq(v), 3, v[0] - oda.cos(k * s))),
    "conserved with the depth": lambda: oda.conserved(oda.sin(k * s) * v[0] - oda.cos(k * s) * v[1]),
    "positive": lambda: oda.positive(v[0] + sp.Rational(11, 10)),
    "increasing": lambda: oda.increasing(s + v[1]),
    "decreasing": lambda: oda.decreasing(oda.concat(v[0], -s)),
    "between": lambda: oda.between(v, -1, oda.ones(2)),
    "from below": lambda: oda.between(v[1], low=0),
    "from above": lambda: oda.between(v[1], high=oda.sin(k * s) + sp.Rational(1, 10**9)),
    "equilibrium": lambda: oda.equilibrium({v: oda.zeros(2)}),
}
# a claim, and what is said: the entry, the values and where
WRONG: dict[str, tuple[Callable[[], oda.Property], tuple[str, ...]]] = {
    "conserved": (lambda: oda.conserved(v[0] + 2), ("it is 3 at s = 0 and 1.58385 at s = 2", "v = [-0.416147, 0.909297], k = 1")),
    "conserved entry": (lambda: oda.conserved(oda.concat(1, v[0])), ("its entry [1] is 1 at s = 0 and -0.416147 at s = 2",)),
    "positive": (lambda: oda.positive(v[0]), ("it is -0.416147 at s = 2",)),
    "positive from the start": (lambda: oda.positive(v), ("its entry [1] is 0 at s = 0; there v = [1, 0]",)),
    "increasing": (lambda: oda.increasing(v), ("its entry [0] falls from 1 at s = 0 to -0.416147 at s = 2",)),
    "increasing once": (lambda: oda.increasing(v[1]), ("it falls from 0.99999", "at s = 1.567", "to 0.909297 at s = 2")),
    "decreasing": (lambda: oda.decreasing(v[1]), ("it rises from 0 at s = 0 to 0.99999", "at s = 1.567")),
    "between": (lambda: oda.between(v, low=0, high=oda.concat(2, k)), ("its entry [0] is -0.416147 at s = 2, with the bounds 0 and 2",)),
    "from above": (lambda: oda.between(v[1], high=s / 2), ("at s = 1.045", "with the bounds -inf and 0.52")),
    "equilibrium": (lambda: oda.equilibrium({v: oda.concat(0, k)}), ("v[0]' is -1 at s = 0",)),
    "not finite": (lambda: oda.positive(oda.log(v[0] - v[1])), ("it is nan at s = 0.793", "no finite number")),
}

FLIPPED: dict[str, Callable[[Any], oda.Property]] = {
    "conserved": lambda value: oda.conserved(value + s),
    "positive": lambda value: oda.positive(-value),
    "increasing": oda.decreasing,
    "decreasing": oda.increasing,
    "between": lambda value: oda.between(value, 2, 3),
    "equilibrium": lambda value: oda.equilibrium({v: value + 1}),
}


def test_every_kind_of_claim_has_a_rule_and_is_tested():
    assert (
        set(RULES) == set(KINDS) == set(FLIPPED) == {make().kind for make in RIGHT.values()} == {make().kind for make, _ in WRONG.values()}
    )


@pytest.mark.parametrize("method", ["tsit5", "radau", "RK45"])
@pytest.mark.parametrize("name", RIGHT)
def test_what_is_true_holds(name: str, method: str):
    found = assert_claim(turning(), {"k": 1.0}, RIGHT[name](), method=method)
    assert 0 <= found.gap <= 1e-6 and 0 <= found.depth <= 2 and found.sample is None and str(found).startswith(str(found.claim))


@pytest.mark.parametrize("name", WRONG)
def test_what_is_false_fails_and_says_where(name: str):
    claim, words = WRONG[name]
    fails(turning(), {"k": 1.0}, claim(), "'model' breaks the claim", *words)


@pytest.mark.parametrize("name", RIGHT)
def test_a_flipped_claim_fails(name: str):
    claim = RIGHT[name]()
    fails(turning(), {"k": 1.0}, FLIPPED[claim.kind](next(iter(claim.named.values()))))


def test_the_report_says_where_it_was_nearest():
    slow = problem({z: sp.Rational(1, 10_000)}, {z: 1})
    found = assert_claim(slow, {}, oda.conserved(z), tolerance=3e-4)
    assert (found.depth, found.sample) == (2, None) and found.gap == pytest.approx(2e-4 / 1.0002)
    assert str(found) == "conserved: z (off by 2.0e-04 of its size at depth 2)"
    assert str(assert_claim(slow, {}, oda.positive(z))) == "z stays above 0"


# ---------------------------------------------------------------- what is allowed


def test_the_tolerance_is_relative_to_the_size_of_what_cancels():
    """x - y stays 0 but for rounding: what is allowed is measured by x and y, also where their difference is squared, or in a log."""
    pair = problem({z: -z, y: -y}, {z: 1000 * k, y: 1000 * k}, parameters=[k])
    for value in (z - y, (z - y) ** 2, oda.log(z) - oda.log(y), oda.concat(z, 1) @ oda.concat(1, -y)):
        assert_claim(pair, {"k": 0.1}, oda.conserved(value))
    drifting = problem({z: -z, y: -y - sp.Rational(1, 100)}, {z: 1000 * k, y: 1000 * k}, parameters=[k])
    fails(drifting, {"k": 0.1}, oda.conserved(z - y))
    line = problem({z: sp.Rational(1, 1000)}, {z: 1}, parameters=[k, c])
    fails(line, {"k": 1e4, "c": 1e4}, oda.conserved(z + k - c))  # solvers err in states alone
    assert_claim(drifting, {"k": 0.1}, oda.conserved(z - y), tolerance=1e-3)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_units_do_not_matter(scale: float):
    line = problem({z: k / 1000}, {z: k}, parameters=[k])
    assert_claim(line, {"k": scale}, oda.conserved(z), atol=1e-20, tolerance=3e-3)
    fails(line, {"k": scale}, oda.conserved(z), "by 0.002 of its size", atol=1e-20, tolerance=1e-3)


def test_what_starts_at_0_is_not_positive_and_what_decays_to_it_is():
    decay = problem({z: -40 * z}, {z: k}, parameters=[k])
    assert_claim(decay, {"k": 1.0}, oda.positive(z))
    fails(decay, {"k": 0.0}, oda.positive(z), "it is 0 at s = 0; there")
    assert_claim(decay, {"k": 0.0}, oda.between(z, low=0))


def test_more_points_see_more():
    """sin(32 pi s)^2 is 0 at both ends of [0, 1] and at its middle."""
    wave = problem({z: 0}, {z: 0}, (0, 1))
    claim = oda.conserved(oda.sin(32 * sp.pi * s) ** 2)
    assert assert_claim(wave, {}, claim, points=3).gap == 0
    fails(wave, {}, claim)


# ---------------------------------------------------------------- samples, ends, break points


def test_a_counterexample_names_its_sample():
    values = {"k": np.array([0.5, 0.7, 1.0, 0.2])}
    fails(turning(), values, oda.positive(v[0]), "in sample 2: it is -0.416147 at s = 2", "k = 1")
    assert assert_claim(turning(), values, oda.conserved(oda.sumsq(v))).sample == 2
    fails(turning(), {"k": [0.5]}, oda.conserved(v[0]), "in sample 0")


def test_parameters_of_each_sample_are_its_own():
    shifted = problem({v: c * v}, {v: oda.ones(2)}, parameters=[k, c])
    values = {"c": [0.1, 0.2, 0.3], "k": [0.1, 0.2, 0.3]}
    assert_claim(shifted, values, oda.conserved(v * oda.exp(-k * s)))
    fails(shifted, {**values, "k": [0.1, 0.2, 0.31]}, oda.conserved(v * oda.exp(-k * s)), "in sample 2: its entry [0]")


def test_along_the_path_means_from_s0_to_S():
    back = problem({z: 1}, {z: 2}, (2, 0))
    assert_claim(back, {}, oda.decreasing(z))
    fails(back, {}, oda.increasing(z), "it falls from 2 at s = 2 to ")
    both = problem({z: k}, {z: 2}, (1, c), [k, c])
    fails(both, {"k": 1.0, "c": [2.0, 0.0]}, oda.increasing(z), "in sample 1: it falls from 2 at s = 1 to 1 at s = 0")


@pytest.mark.parametrize("ends", [(0, 2), (2, 0)])
def test_each_segment_sees_its_own_side(ends: tuple[int, int]):
    """z' = 1 before c and -k behind it: the claim has the switch of the field, at every sample's own depth, or outside of its domain."""
    start = {z: 0} if ends[0] == 0 else {z: c - k * (2 - c)}
    bent = problem({z: oda.where(s < c, 1, -k)}, start, ends, [k, c])
    values = {"k": 2.0, "c": [0.7, 1.0, 1.999]}
    right = oda.conserved(oda.where(s < c, z - s, z - c + k * (s - c)))
    assert assert_claim(bent, values, right).gap < 1e-12
    fails(bent, values, oda.conserved(oda.where(s < c, z - s, z + k * (s - c))))
    jump = oda.conserved(oda.where(s < c, z - s, z - c + k * (s - c) + sp.Rational(1, 100)))  # wrong by 0.01 behind the switch alone
    fails(bent, values, jump)


@pytest.mark.parametrize("values", [{"k": 2.0, "c": [3.0, 0.5, -1.0]}, {"k": [2.0, 1.0], "c": 2.0}, {"k": 2.0, "c": 0.0}])
def test_switches_outside_the_domain_or_at_its_ends_are_not_seen(values: dict[str, Any]):
    bent = problem({z: oda.where(s < c, 1, -k)}, {z: 0}, (0, 2), [k, c])
    met = oda.where(c < 0, 0, oda.minimum(c, 2))
    assert_claim(bent, values, oda.conserved(oda.where(s < c, z - s, z - met + k * (s - met))))
    one_sided = oda.positive(oda.where(s < c, 1, -1))
    stays = np.all(np.asarray(values["c"]) >= 2)
    _ = assert_claim(bent, values, one_sided) if stays else fails(bent, values, one_sided, "it is -1 at s = ")


def test_a_switch_of_the_claim_alone_splits_the_path():
    """cos(s) > 0.5 up to pi/3 and from there on below: the jump at pi/3 is seen from both sides, to rounding."""
    claim = oda.positive(oda.where(s < sp.pi / 3, v[0] - sp.Rational(1, 2), sp.Rational(1, 2) - v[0]))
    assert_claim(turning(), {"k": 1.0}, claim)
    late = oda.positive(oda.where(s < sp.pi / 3 + c, v[0] - sp.Rational(1, 2), sp.Rational(1, 2) - v[0]))
    wider = problem({v: k * oda.concat(-v[1], v[0])}, {v: oda.concat(1, 0)}, parameters=[k, c])
    fails(wider, {"k": 1.0, "c": 1e-4}, late, "at s = 1.0473")


def test_a_domain_without_length_has_one_point():
    still = problem({z: 1}, {z: k}, (1, c), [k, c])
    found = assert_claim(still, {"k": 1.0, "c": 1.0}, oda.between(z, 1, 1))
    assert (found.gap, found.depth) == (0, 1)
    fails(still, {"k": 1.0, "c": [1.0, 1.5]}, oda.between(z, 1, 1), "in sample 1: it is 1.5 at s = 1.5")


def test_conditions_listed_by_hand_and_jumps_in_the_state():
    listed = problem({z: oda.where(s**2 < 2, 1, -1)}, {z: 0}, breakpoints=(sp.sqrt(2),))
    root = sp.sqrt(2)
    assert_claim(listed, {}, oda.conserved(oda.where(s**2 < 2, z - s, z + s - 2 * root)))
    fails(listed, {}, oda.conserved(oda.where(s**2 < 2, z - s, z + s - 3 * root)))
    assert_claim(turning(), {"k": 1.0}, oda.conserved(oda.sign(v[0] + 1)))
    fails(turning(), {"k": 1.0}, oda.conserved(oda.sign(v[0])), "it is 1 at s = 0 and -1 at s = 1.5")


def test_depth_varying_names_mean_their_value_there():
    stacked = oda.stacked(oda.Model({z: k, y: k * y}, {z: 0, y: 1}, (0, 2), [k]), ["k"], (0, 1, 2))
    values = {"k": np.array([[1.0, -2.0], [0.5, 0.25]])}
    stated = oda.Problem(stacked, oda.Objective())
    assert_claim(stated, values, oda.conserved(y * oda.exp(-z)))
    fails(stated, values, oda.positive(k), "in sample 0: it is -2 at s = 1,", "k = [1, -2]")
    fails(stated, {"k": [1.0, 2.0]}, oda.between(k, high=1), "it is 2 at s = 1,")
    line = oda.galerkin(oda.Model({z: -k * z}, {z: 1}, (0, 2), [k]), {k: oda.Monomial(2)})
    first = oda.block("k", 2)
    assert_claim(oda.Problem(line, oda.Objective()), {"k": [0.3, 0.2]}, oda.conserved(z * oda.exp(first[0] * s + first[1] * s**2 / 2)))
    fails(oda.Problem(line, oda.Objective()), {"k": [0.3, -0.2]}, oda.positive(k), "it is -0.1 at s = 2")


def test_what_would_hold_between_depths_that_coincide_holds_nowhere():
    line = problem({z: 1}, {z: 0}, (0, 2), [k, c])
    gap = oda.positive(oda.where(s < c, 1, oda.where(s < k, -1, 1)))
    assert_claim(line, {"c": 1.0, "k": [1.0, 0.5]}, gap)
    fails(line, {"c": 1.0, "k": [1.0, 1.001]}, gap, "in sample 1: it is -1 at s = 1,")


def test_pieces_that_no_path_meets_are_not_seen_and_repeat_no_point():
    """On [0, 1] the second piece of k, from 1 to 2, and the third are segments without length; so is the first where a path begins at 1."""
    model = oda.Model({z: k}, {z: 0}, (c, c + 1), [k, c])
    stated = oda.Problem(oda.stacked(model, ["k"], (0, 1, 2, 3)), oda.Objective())
    values = {"k": [1.0, 2.0, 3.0]}
    for start in (0.0, 1.0, 2.0):
        for claim in (oda.between(k, start + 1, start + 1), oda.increasing(z), oda.conserved(z - (start + 1) * (s - c))):
            assert_claim(stated, {**values, "c": start}, claim)
        assert_claim(stated, {**values, "c": [start, 0.5]}, oda.increasing(z))
        fails(stated, {**values, "c": [start, 0.5]}, oda.conserved(k), "in sample 1: it is 1 at s = 0.5 and 2 at s = 1,")


# ---------------------------------------------------------------- equilibria


def test_the_field_of_an_equilibrium_is_seen_on_every_segment():
    rest = problem({z: oda.where(s < 1, k - z, c - z)}, {z: 0}, parameters=[k, c])
    assert_claim(rest, {"k": 0.1 + 0.2, "c": 0.3}, oda.equilibrium({z: k}))
    fails(rest, {"k": 1.0, "c": [1.0, 2.0]}, oda.equilibrium({z: k}), "in sample 1: z' is 1 at s = 1,", "z = 1, k = 1, c = 2")


def test_an_equilibrium_needs_no_solution():
    blowing = problem({z: z**2 - k}, {z: 100}, parameters=[k])
    found = assert_claim(blowing, {"k": 2.0}, oda.equilibrium({z: oda.sqrt(k)}))
    assert found.gap < 1e-15
    fails(blowing, {"k": 2.0}, oda.equilibrium({z: -k}), "z' is 2 at s = 0")
    fails(blowing, {"k": 0.0}, oda.equilibrium({z: 1 / k}), "z is inf at s = 0, no finite number")


def test_only_the_field_of_a_state_of_rest_is_asked_for_not_its_cost():
    stated = oda.Problem(oda.Model({z: k - z}, {z: 0}, (0, 1), [k]), oda.Objective(running=1 + z**2))
    assert_claim(stated, {"k": 1.0}, oda.equilibrium({z: k}))


# ---------------------------------------------------------------- what is passed on


def test_a_solve_that_fails_and_values_that_do_not_fit():
    blowing = problem({z: z**2}, {z: k}, parameters=[k])
    with pytest.raises(oda.SolveError, match="component z"):
        assert_claim(blowing, {"k": 1.0}, oda.positive(z))
    with pytest.raises(oda.ModelError, match="'kk'"):
        assert_claim(blowing, {"kk": 1.0}, oda.positive(z))
    with pytest.raises(oda.ModelError, match="claims of 'model': positive uses 'c'"):
        assert_claim(blowing, {"k": 0.1}, oda.positive(c))
    with pytest.raises(oda.ModelError, match="no method 'tsit'"):
        assert_claim(blowing, {"k": 0.1}, oda.positive(z), method="tsit")
    with pytest.raises(oda.ModelError, match=r"claims \(conserved: .*\) of 'model' has the condition .* list the depths"):
        assert_claim(blowing, {"k": 0.1}, oda.conserved(oda.where(s**2 < 1, z, 1)))


def test_observation_data_and_costs_play_no_part():
    seen = oda.Observation([1], (z - c) ** 2, [c])
    stated = oda.Problem(oda.Model({z: -z}, {z: k}, (0, 2), [k]), oda.Objective(oda.log(-z), z / (z - z + k - 1), [seen]))
    for values in ({"k": 1.0}, {"k": 1.0, "c": [3.0]}, {"k": 1.0, "c": np.full((5, 1), np.nan)}):
        assert_claim(stated, values, oda.conserved(z * oda.exp(s)))


class Turn:
    """(x, y) -> (-y, x)."""

    def call(self, x: np.ndarray) -> np.ndarray:
        return np.stack([-x[..., 1], x[..., 0]], axis=-1)

    def vjp(self, arrays: Any, cotangent: np.ndarray) -> Any:
        return (-self.call(cotangent),)

    def jvp(self, arrays: Any, tangents: Any) -> np.ndarray:
        return self.call(*tangents)


def test_networks_are_bound_by_name():
    turn = oda.Network("turn", [(2,)], (2,), size=0)
    stated = problem({v: turn(v)}, {v: oda.ones(2)})
    assert_claim(stated, {}, oda.conserved(oda.sumsq(v)), networks={"turn": Turn()})
    assert_claim(stated, {}, oda.conserved(v @ turn(v)), networks={"turn": Turn()})
    fails(stated, {}, oda.conserved(turn(v)), "its entry [1] is 1 at s = 0", networks={"turn": Turn()})
    assert_claim(stated, {}, oda.equilibrium({v: oda.zeros(2)}), networks={"turn": Turn()})


# ---------------------------------------------------------------- known invariants


def test_the_claims_of_the_example_hold():
    """The first integral of Lotka and Volterra's equations, and its state of rest; with two rates exchanged both are wrong."""
    stated = oda.read(LYNX_HARE / "model.toml")
    values = json.loads((LYNX_HARE / "values.json").read_text(encoding="utf-8"))
    assert [claim.kind for claim in stated.claims] == ["conserved", "positive", "positive", "equilibrium"]
    alpha, gamma = oda.block("alpha"), oda.block("gamma")
    for claim in stated.claims:
        assert assert_claim(stated, values, claim).gap < 1e-8
        if claim.kind != "positive":
            fails(stated, values, claim.rewritten(lambda one: one.subs({alpha: gamma, gamma: alpha}, simultaneous=True)))


@st.composite
def systems(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A, w and z0 of z' = A z: A has rows that w combines to 0."""
    n = draw(st.integers(2, 4))
    entries = st.floats(-1, 1, width=16)
    matrix = np.array(draw(st.lists(entries, min_size=n * n, max_size=n * n))).reshape(n, n)
    w, start = (np.array(draw(st.lists(st.floats(0.25, 2, width=16), min_size=n, max_size=n))) for _ in range(2))
    return matrix - np.outer(w, w @ matrix) / (w @ w), w, start


def linear(n: int) -> tuple[oda.Problem, Any, Any, Any, Any]:
    A, w, x, start = oda.block("A", n, n), oda.block("w", n), oda.block("x", n), oda.block("start", n)
    rate = oda.block("rate")
    return problem({x: (A @ x) + rate * x}, {x: start}, (0, 1), [A, w, start, rate]), A, w, x, rate


@given(drawn=systems(), rate=st.floats(-1, 1, width=16))
def test_what_a_linear_system_keeps_is_found_kept(drawn: tuple[np.ndarray, ...], rate: float):
    """w^T A = 0 gives (w^T z)' = r w^T z for z' = (A + r) z; without the factor exp(-r s) it moves by 1 - exp(r)."""
    matrix, w, start = drawn
    stated, _, weights, x, r = linear(len(w))
    values = {"A": matrix, "w": w, "start": start, "rate": rate}
    assert_claim(stated, values, oda.conserved((weights @ x) * oda.exp(-r * s)))
    if abs(rate) > 1e-3:
        fails(stated, values, oda.conserved(weights @ x))
        fails(stated, values, (oda.decreasing if rate > 0 else oda.increasing)(weights @ x))


@given(drawn=systems(), size=st.floats(0.01, 1))
def test_what_a_system_does_not_keep_is_found_lost(drawn: tuple[np.ndarray, ...], size: float):
    """With A - A^T in the place of A, |z|^2 is kept; with a further part of the identity it grows by exp(2 size)."""
    matrix, w, start = drawn
    stated, _, _, x, _ = linear(len(w))
    values = {"A": matrix - matrix.T, "w": w, "start": start}
    assert_claim(stated, {**values, "rate": 0.0}, oda.conserved(oda.sumsq(x)))
    fails(stated, {**values, "rate": size}, oda.conserved(oda.sumsq(x)), "at s = 1,")

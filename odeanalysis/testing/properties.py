"""`assert_claim`: whether the solutions of a problem do what is claimed of them, or where they do not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from odeanalysis.modeling.model import Objective, Problem
from odeanalysis.modeling.properties import VALUE, Property
from odeanalysis.numerics.gradients.program import Array
from odeanalysis.numerics.gradients.setting import prepare
from odeanalysis.numerics.gradients.settings import Settings
from odeanalysis.numerics.networks import ArrayNetwork
from odeanalysis.testing import traced
from odeanalysis.testing.traced import Traced, Values

NAMED = 8  # names whose values a counterexample shows
ENTRIES = 4  # of an array that it shows


@dataclass(frozen=True)
class ClaimReport:
    """A claim that holds.  gap: the nearest it came to failing, relative to the size of its expression.  depth, sample: where that was."""

    claim: Property
    gap: float
    depth: float
    sample: int | None

    def __str__(self) -> str:
        sample = "" if self.sample is None else f" in sample {self.sample}"
        return f"{self.claim} (off by {self.gap:.1e} of its size at depth {self.depth:.6g}{sample})" if self.gap else str(self.claim)


def assert_claim(
    problem: Problem,
    values: Mapping[str, Any],
    claim: Property,
    *,
    method: str = "tsit5",
    rtol: float = 1e-9,
    atol: float = 1e-11,
    points: int = 200,
    tolerance: float = 1e-6,
    networks: Mapping[str, ArrayNetwork] | None = None,
) -> ClaimReport:
    """Asserts that the solution for some values does what is claimed of it.

    values: as for a solve; observation data play no part.  points: depths in each segment between break points, its ends among them.
    tolerance: what is allowed, relative to the size of an entry v: the largest abs(v) along its path, or sum_j abs(dv/dz_j) abs(z_j), which
    tells how large the terms are that cancel in v. It bounds
        conserved                 the change from the value at s0
        positive                  how far an entry lies below 0; at s0 it must lie above
        increasing, decreasing    how far it has come back from its highest, or lowest, value so far
        between                   how far it lies outside, with the size of value and bounds
        equilibrium               the field, with the names in its size as well; nothing is solved
    What a few roundings of states, names and depth explain is left out.

    Returns where it came nearest to failing. Raises AssertionError with a counterexample, ModelError for values or a claim that do not
    fit, SolveError for a solve that fails.
    """
    known = Problem(problem.model, Objective(), claims=[claim]).claims[0]
    data = {leaf.name for leaf in problem.data}
    given = {name: value for name, value in values.items() if name not in data}
    with np.errstate(all="ignore"):
        setting = prepare(traced.watched(problem, known), given, networks)
        resting = known.kind == "equilibrium"
        found = traced.at_rest(setting, known) if resting else traced.along(setting, known, Settings(method, rtol, atol), max(points, 2))
        return _judged(found, known, tolerance)


# ---------------------------------------------------------------- what breaks a claim


@dataclass(frozen=True)
class Rule:
    """excess: how far each entry breaks the claim at each depth.  words: a counterexample.  since: with which of the values so far the
    last is compared, where it is compared with one.
    """

    excess: Callable[[Values], Array]
    words: str
    since: Callable[[Array], Any] = len


def _below(parts: Values) -> Array:
    """How far below 0, and without measure where a path starts and is not above."""
    value = parts[VALUE]
    first = np.arange(len(value))[:, None, None] == 0
    return np.where(first & (value <= 0), np.inf, np.maximum(-value, 0))


def _outside(parts: Values) -> Array:
    value = parts[VALUE]
    return np.maximum(np.maximum(parts.get("low", -np.inf) - value, value - parts.get("high", np.inf)), 0)


RULES: dict[str, Rule] = {
    "conserved": Rule(
        lambda parts: np.abs(parts[VALUE] - parts[VALUE][:1]),
        "{entry} is {before} at {since} and {value} at {here}",
        lambda so_far: 0,
    ),
    "positive": Rule(_below, "{entry} is {value} at {here}"),
    "increasing": Rule(
        lambda parts: np.maximum.accumulate(parts[VALUE], axis=0) - parts[VALUE],
        "{entry} falls from {before} at {since} to {value} at {here}",
        np.argmax,
    ),
    "decreasing": Rule(
        lambda parts: parts[VALUE] - np.minimum.accumulate(parts[VALUE], axis=0),
        "{entry} rises from {before} at {since} to {value} at {here}",
        np.argmin,
    ),
    "between": Rule(_outside, "{entry} is {value} at {here}, with the bounds {low} and {high}"),
    "equilibrium": Rule(lambda parts: np.abs(parts[VALUE]), "{entry}' is {value} at {here}"),
}
UNDEFINED = Rule(lambda parts: ~np.isfinite(parts[VALUE]), "{entry} is {value} at {here}, no finite number")


# ---------------------------------------------------------------- verdict and counterexample


@dataclass(frozen=True)
class Worst:
    """Where a claim comes nearest to failing, or fails most: point, sample and entry, and by how much of its size."""

    point: int
    sample: int
    entry: int
    gap: float


def _judged(found: Traced, claim: Property, tolerance: float) -> ClaimReport:
    worst = _worst(found, RULES[claim.kind])
    if not worst.gap <= tolerance:
        raise AssertionError(_counterexample(found, claim, worst, tolerance))
    batched = found.setting.bound.batch is not None
    return ClaimReport(claim, worst.gap, float(found.depth[worst.point, worst.sample]), worst.sample if batched else None)


def _worst(found: Traced, rule: Rule) -> Worst:
    """What is no finite number is worse than anything else."""
    broken = ~np.all([np.isfinite(part) for part in np.broadcast_arrays(*found.parts.values())], axis=0)
    gaps = np.where(broken, np.inf, 0) if broken.any() else _relative(rule.excess(found.parts), found)
    point, sample, entry = (int(i) for i in np.unravel_index(np.argmax(gaps), gaps.shape))
    return Worst(point, sample, entry, float(gaps[point, sample, entry]))


def _relative(excess: Array, found: Traced) -> Array:
    """Excesses by the size of the entry, but for what rounding explains."""
    beyond = np.where(excess <= found.noise, 0, excess)
    return np.where(beyond == 0, 0, beyond / found.sizes)


def _counterexample(found: Traced, claim: Property, worst: Worst, tolerance: float) -> str:
    setting, (k, b) = found.setting, (worst.point, worst.sample)
    value = {name: np.broadcast_to(part, found.parts[VALUE].shape)[: k + 1, b, worst.entry] for name, part in found.parts.items()}
    rule = RULES[claim.kind] if np.isfinite(value[VALUE][-1]) else UNDEFINED
    since = min(int(rule.since(value[VALUE])), k)
    name = setting.problem.model.depth.name
    said = rule.words.format(
        entry=found.entries(worst.entry),
        before=_number(value[VALUE][since]),
        since=f"{name} = {_number(found.depth[since, b])}",
        here=f"{name} = {_number(found.depth[k, b])}",
        **{"low": "-inf", "high": "inf", **{part: _number(path[-1]) for part, path in value.items()}},
    )
    sample = "" if setting.bound.batch is None else f" in sample {b}"
    much = f", by {worst.gap:.2g} of its size, where {tolerance:.2g} is allowed" if np.isfinite(worst.gap) else ""
    return f"{setting.problem.name!r} breaks the claim ({claim}){sample}: {said}{much}; there {_there(found, k, b)}"


def _there(found: Traced, point: int, sample: int) -> str:
    """The states and the first names at a point of a path."""
    setting, stated = found.setting, found.setting.program.parts
    states = {z.name: found.at[z.name][point, sample] for z in stated.states}
    names = {leaf.name: setting.values[leaf.name] for leaf in stated.names}
    own = {name: array[sample] if name in setting.bound.batched else array for name, array in names.items()}
    shown = list({**states, **own}.items())
    more = ["..."] if len(shown) > NAMED else []
    return ", ".join([*(f"{name} = {_array(array)}" for name, array in shown[:NAMED]), *more])


def _array(array: Array) -> str:
    flat = np.ravel(array)
    if np.ndim(array) == 0:
        return _number(flat[0])
    return f"[{', '.join([*map(_number, flat[:ENTRIES]), *(['...'] if flat.size > ENTRIES else [])])}]"


def _number(value: float) -> str:
    return f"{float(value):.6g}"

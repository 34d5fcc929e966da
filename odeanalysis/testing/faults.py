"""What is wrong with a gradient, in words: where, by how much, and what would be right."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from odeanalysis.testing.arguments import Array, label
from odeanalysis.testing.claimed import Claimed, NotMeasurable, spot
from odeanalysis.testing.lines import SURE, Line, dot, line

FEW = 64  # entries that are all measured
AROUND = (2, 4)  # sizes before and behind the best one
DIGITS = 3

Lines = Sequence[tuple[Hashable, Line]]


@dataclass(frozen=True)
class Tried:
    """A line of a name with the size of the derivative there, and the tolerance."""

    key: Hashable
    line: Line
    scale: float
    rtol: float

    @property
    def is_wrong(self) -> bool:
        return self.line.gap.differs and abs(self.line.gap.value) > self.rtol * self.scale

    @property
    def seen(self) -> float:
        """The size below which nothing is asked for."""
        return self.rtol * max(self.scale, self.line.typical)

    @property
    def is_noisy(self) -> bool:
        return not self.line.gap.error <= self.seen

    @property
    def is_bent(self) -> bool:
        return self.line.bend.differs and abs(self.line.bend.value) > self.seen

    def fits(self, gradient: Array) -> bool:
        """Whether another gradient would be right here."""
        gap = abs(dot({self.key: gradient}, self.line.direction) - self.line.measured)
        return gap <= max(SURE * self.line.gap.error, self.rtol * self.scale)


def fault(one: Claimed, lines: Lines, scales: Sequence[float], rtol: float) -> AssertionError | None:
    """The error for a gradient that is wrong or cannot be measured; None for a right one."""
    tried = [Tried(key, along, scale, rtol) for (key, along), scale in zip(lines, scales, strict=True)]
    wrong = [each for each in tried if each.is_wrong and not each.is_bent]
    if wrong:
        return AssertionError(_wrong(one, max(wrong, key=lambda each: abs(each.line.gap.value) / each.scale), tried))
    for each in tried:
        if each.is_bent:
            return NotMeasurable(_bent(each))
        if each.is_noisy:
            return NotMeasurable(_noisy(each))
    return None


# ---------------------------------------------------------------- wrong


def _wrong(one: Claimed, worst: Tried, tried: Sequence[Tried]) -> str:
    own = [each for each in tried if each.key == worst.key]
    size = f"{worst.line.sizes[worst.line.best]:.0e}"
    slope = worst.line.slopes()[2]
    told = "" if slope.slope is None else f", and the remainder falls with slope {slope.slope:.2f}, where a right gradient has 3"
    return "\n".join(
        [
            *_places(one, worst),
            *_readings(one, own),
            f"(measured at steps of about {size}, with an error of {worst.line.gap.error / worst.scale:.0e}{told})",
        ]
    )


def _places(one: Claimed, worst: Tried) -> Iterator[str]:
    """The worst entry, and how many are wrong where all are measured."""
    array = one.at.arrays[worst.key]
    free = np.argwhere(np.isfinite(array))
    places = [tuple(int(i) for i in place) for place in free]
    if len(places) > FEW:
        places = [_narrowed(one, worst, places)]
    entries = [(place, Tried(worst.key, _entry(one, worst, [place]), worst.scale / np.sqrt(len(free)), worst.rtol)) for place in places]
    place, entry = max(entries, key=lambda pair: abs(pair[1].line.gap.value))
    step = entry.line.direction[worst.key][place]
    given, right = entry.line.claimed / step, entry.line.measured / step
    right = 0.0 if abs(right) <= worst.rtol * abs(given) else right
    told = f"{_say(given)}, where differences say {_say(right)}{_factor(given, right)}"
    yield f"the gradient in {label(worst.key)} is wrong{spot(place)}: {told}"
    if len(places) > 1:
        yield f"wrong entries in {label(worst.key)}: {sum(each.is_wrong for _, each in entries)} of {len(places)}"


def _say(number: float) -> str:
    return f"{number:.6g}"


def _factor(given: float, right: float) -> str:
    return f" (factor {right / given:.{DIGITS}g})" if given and right and np.isfinite(right / given) else ""


def _entry(one: Claimed, worst: Tried, places: Sequence[tuple[int, ...]]) -> Line:
    """The line along some entries, at sizes around that at which the gap was most certain."""
    step = np.zeros(one.at.arrays[worst.key].shape)
    for place in places:
        step[place] = np.linalg.norm(worst.line.direction[worst.key]) / np.sqrt(len(places))
    before, behind = AROUND
    sizes = worst.line.sizes[max(worst.line.best - before, 0) : worst.line.best + behind]
    return line(one.value, one.at, one.gradient, {worst.key: step}, one.origin, sizes)


def _narrowed(one: Claimed, worst: Tried, places: list[tuple[int, ...]]) -> tuple[int, ...]:
    """A wrong entry among many, found by halving: each time in the half with the larger gap."""
    while len(places) > 1:
        halves = places[: len(places) // 2], places[len(places) // 2 :]
        places = max(halves, key=lambda half: abs(np.nan_to_num(_entry(one, worst, half).gap.value)))
    return places[0]


# ---------------------------------------------------------------- readings: what would be right

Reading = tuple[str, Callable[[Array, float], Array | None]]

READINGS: tuple[Reading, ...] = (
    ("its sign is wrong throughout", lambda gradient, factor: -gradient),
    ("it is the transpose of the right one", lambda gradient, factor: gradient.T if gradient.ndim == 2 and _square(gradient) else None),
    ("every entry is off by the same factor: {factor} times as much is right", lambda gradient, factor: factor * gradient),
)


def _square(gradient: Array) -> bool:
    return len(set(gradient.shape)) == 1


def _readings(one: Claimed, own: Sequence[Tried]) -> Iterator[str]:
    """The first reading that fits all lines of a name, of which more than one is needed unless the name is a number."""
    gradient, first = one.gradient[own[0].key], own[0].line
    factor = first.measured / first.claimed if first.claimed else float("nan")
    enough = len(own) > 1 and gradient.size > 1
    for words, right in READINGS if enough else ():
        other = right(gradient, factor)
        if other is not None and np.isfinite(other).all() and all(each.fits(other) for each in own):
            yield words.format(factor=f"{factor:.{DIGITS}g}")
            return


# ---------------------------------------------------------------- not measurable


def _bent(each: Tried) -> str:
    middle, half = each.line.measured, each.line.bend.value / 2
    size = float(np.linalg.norm(each.line.direction[each.key]))
    backward, forward = (middle - half) / size, (middle + half) / size
    return (
        f"the function has a kink here in {label(each.key)}: along a random direction its slopes are {_say(backward)} before and "
        f"{_say(forward)} behind, so that it has no gradient; check at other values"
    )


def _noisy(each: Tried) -> str:
    if not np.isfinite(each.line.gap.error):
        return (
            f"the gradient in {label(each.key)} cannot be measured: beside these values the function fails or is not finite; "
            "check at other values, or give smaller sizes="
        )
    size = max(each.scale, each.line.typical)
    relative = f"to {each.line.gap.error / size:.0e}" if each.line.gap.error < size else "not at all"
    return (
        f"the gradient in {label(each.key)} cannot be measured to rtol {each.rtol:.0e}: the function's values are sure to "
        f"{each.line.noise:.0e}, its derivative {relative}; compute it more exactly (tolerances, doubles), or give a larger rtol="
    )

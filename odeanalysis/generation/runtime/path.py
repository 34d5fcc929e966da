"""The path of each sample: its nodes in order, and what holds between them."""

import math
from itertools import pairwise
from typing import Any, NamedTuple

from odeanalysis.generation.runtime.stated import (
    BREAKS,
    FIXED,
    MARKS,
    NODES,
    OBSERVATIONS,
    SWITCHES,
    flags,
    marks,
    nodes,
)
from odeanalysis.generation.runtime.values import _Bound, _like
from odeanalysis.generation.runtime.words import _numbers, _spread


class _Path(NamedTuple):
    """The path of one sample.

    nodes: depths, from s0 to S.  source: the mark that each node comes from.
    place: the node of each mark.  flags: what holds in each segment.
    """

    nodes: list[float]
    source: list[int]
    place: list[int]
    flags: list[list[float]]


def _paths(bound: _Bound) -> list[_Path]:
    """Marks are s0, S, break points, observed depths; those outside split nothing."""
    table = _columns(marks(*bound.names), bound)
    _check_nodes(_columns(nodes(*bound.names), bound), table)
    ordered = [_ordered(depths, sample) for sample, depths in enumerate(table)]
    middles = [[(a + b) / 2 for a, b in pairwise(one)] for one, *_ in ordered]
    held = _decided(middles, bound)
    return [_Path(*one, _filled(*one[:2], h)) for one, h in zip(ordered, held)]


def _columns(values: tuple[Any, ...], bound: _Bound) -> list[list[float]]:
    """Numbers, perhaps one for all samples, as a list for each sample."""
    like = _like(bound)
    columns = [_spread(one, (bound.batch,), like).tolist() for one in values]
    return [list(row) for row in zip(*columns)] or [[] for _ in range(bound.batch)]


def _ordered(depths: list[float], sample: int) -> tuple[list, list, list]:
    """The nodes of one sample, their marks, and the place of each mark."""
    start, end = depths[:2]
    if not (math.isfinite(start) and math.isfinite(end)):
        raise ValueError(f"the domain of sample {sample} is [{start}, {end}]")
    _check_meetings(depths, sample)
    way = 1.0 if end >= start else -1.0
    along = [math.inf if math.isnan(d) else way * (d - start) for d in depths]
    observed = _observed()
    inner = sorted(range(2, len(depths)), key=lambda m: (along[m], m not in observed))
    source = [0, *(_clipped(along[m], along[1], m) for m in inner), 1]
    place = [0] * len(depths)
    for node, mark in enumerate(source):
        place[mark] = node
    place[0] = 0
    return [depths[mark] for mark in source], source, place


def _observed() -> set[int]:
    return {mark for one in OBSERVATIONS for mark in one["marks"]}


def _clipped(along: float, length: float, mark: int) -> int:
    """The mark itself, or the end beyond which it lies."""
    return 0 if along < 0 else 1 if along > length else mark


def _check_meetings(depths: list[float], sample: int) -> None:
    """Observations lie inside; where a depth that moves meets one, nothing switches."""
    low, high = sorted(depths[:2])
    observed = _observed()
    for mark in sorted(observed):
        if not low <= depths[mark] <= high:
            where = f"{MARKS[mark]} = {depths[mark]} of sample {sample}"
            raise ValueError(f"the observation at {where} lies outside [{low}, {high}]")
    for one in range(len(depths)):
        for other in range(one):
            met = depths[one] == depths[other] and low <= depths[one] <= high
            still = one in FIXED and other in FIXED
            ends = one < 2 and other < 2
            passive = not {one, other} & {0, 1, *BREAKS}
            if met and not (still or ends or passive):
                pair = f"{MARKS[other]} and {MARKS[one]} meet at {depths[one]}"
                why = "the loss may have two derivatives there"
                raise ValueError(f"{pair} in sample {sample}: {why}; move one of them")


def _check_nodes(table: list[list[float]], depths: list[list[float]]) -> None:
    """Nodes of piecewise constant names increase and contain the domain."""
    for sample, row in enumerate(table):
        low, high = sorted(depths[sample][:2])
        for count in NODES:
            part, row = row[:count], row[count:]
            rising = all(a < b for a, b in pairwise(part))
            if not (rising and part[0] <= low and high <= part[-1]):
                wanted = f"increase and contain [{low}, {high}]"
                raise ValueError(f"nodes {part} of sample {sample} do not {wanted}")


def _decided(middles: list[list[float]], bound: _Bound) -> list[list[list[float]]]:
    """The flags in the middle of each segment, [sample][segment][flag]."""
    found = []
    for depths in zip(*middles):
        depth = _numbers(list(depths), _like(bound))
        found.append(_columns(flags(depth, *bound.names), bound))
    return [list(one) for one in zip(*found)]


def _filled(nodes: list[float], source: list[int], held: list[list[float]]) -> list:
    """Flags of segments of length zero: those before, but for what a node switches."""
    whole = [j for j in range(len(held)) if nodes[j] != nodes[j + 1]]
    for j in range(len(held) if whole else 0):
        before, behind = [k for k in whole if k < j], [k for k in whole if k > j]
        if j in whole:
            continue
        for p, mark in enumerate(SWITCHES):
            ahead = behind and (mark == source[j] or not before)
            if (
                mark is None
                and before
                and behind
                and held[j - 1][p] != held[behind[0]][p]
            ):
                where = f"depth {nodes[j]}, where others stand too"
                raise ValueError(f"a condition switches at {where}; move one of them")
            held[j][p] = held[behind[0]][p] if ahead else held[j - 1][p]
    return held

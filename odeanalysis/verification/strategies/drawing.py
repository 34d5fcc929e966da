"""Drawing from Hypothesis outside of a test: repeatable from a seed, or shrunk to the smallest example with a property."""

from collections.abc import Callable
from random import Random
from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import find as hypothesis_find
from hypothesis import seed as seeded
from hypothesis.errors import NoSuchExample
from hypothesis.strategies import SearchStrategy

T = TypeVar("T")
# nothing here is a test: slow or large examples are no fault
UNWATCHED = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much, HealthCheck.large_base_example)


def draw(strategy: SearchStrategy[T], count: int, seed: int) -> list[T]:
    """The first `count` examples of a strategy from a seed, the simplest first: the same in every run and process."""
    found: list[T] = []

    @seeded(seed)
    @settings(max_examples=count, phases=[Phase.generate], database=None, deadline=None, suppress_health_check=UNWATCHED)
    @given(strategy)
    def collect(example: T) -> None:
        found.append(example)

    collect()
    return found[:count]


SEARCHED = 400  # a search ends at its first example: only one that is in vain takes so many


def smallest(strategy: SearchStrategy[T], holds: Callable[[T], bool], seed: int, tries: int = SEARCHED) -> T | None:
    """The simplest example for which a property holds, shrunk; None where `tries` examples have none."""
    phases = [Phase.generate, Phase.shrink]
    wanted = settings(max_examples=tries, phases=phases, database=None, deadline=None, suppress_health_check=UNWATCHED)
    try:
        return hypothesis_find(strategy, holds, settings=wanted, random=Random(seed))
    except NoSuchExample:
        return None


def stream(seed: int, claim: str) -> int:
    """A seed that depends on a seed and on a claim, and on nothing else."""
    return Random(f"{seed} {claim}").getrandbits(32)

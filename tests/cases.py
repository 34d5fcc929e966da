"""What there is to test, listed once: each property runs over these.

problem, values = CASES[name].problem(), CASES[name].values()
"""

from tests.problems import augmented, contract, costs, domains, fields, hostile, pieces, transformed
from tests.problems.registry import CASES, Case

__all__ = ["CASES", "PROBLEMS", "Case", "in_turn"]

PROBLEMS = (contract, fields, costs, domains, pieces, hostile, augmented, transformed)


def in_turn(*ways: str) -> list[tuple[str, str]]:
    """Each case with one of the ways, in turn: every case and every way once at least, where all pairs would show the same again."""
    return [(name, ways[i % len(ways)]) for i, name in enumerate(CASES)]

"""What there is to test, listed once: each property runs over these.

problem, values = CASES[name].problem(), CASES[name].values()
"""

from tests.problems import augmented, contract, costs, domains, fields, hostile, pieces, transformed
from tests.problems.registry import CASES, Case

__all__ = ["CASES", "PROBLEMS", "Case"]

PROBLEMS = (contract, fields, costs, domains, pieces, hostile, augmented, transformed)

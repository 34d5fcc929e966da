"""Formulas share what they use twice, and nothing grows while that is found out."""

from typing import Any

import pytest
import sympy as sp

from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import functions as fn
from odeanalysis.symbolic.formula import share

a, b = ex.block("a"), ex.block("b")
z, A = ex.block("z", 3), ex.block("A", 3, 3)
LEVELS = 40
COMPARISONS = 200_000  # written out, LEVELS levels would need 2**LEVELS


def chain(levels: int) -> Any:
    """Lets each of which stands once, below a value that stands twice in the next."""
    lets, value = [], z
    for k in range(levels):
        once = A @ value
        leaf = ex.block(f"_l{k}", 3)
        lets.append((leaf, ex.concat(once[:1], once[1:2], b * once[2])))
        value = leaf
    return share("chain", (b, A, z), lets, {"end": value})


class Doubling(RuntimeError):
    """More comparisons than a formula of this length needs."""


def shared_again(levels: int) -> bool:
    try:
        return len(chain(levels).lets) > 0
    except Doubling:
        return False


def test_a_chain_that_doubles_at_every_level_is_never_written_out(monkeypatch: pytest.MonkeyPatch):
    """Equal expressions that are not the same object are compared entry by entry, over and over where they share."""
    calls, equal = [0], sp.Basic.__eq__

    def counted(one: Any, other: Any) -> bool:
        calls[0] += 1
        if calls[0] > COMPARISONS:
            raise Doubling
        return equal(one, other)

    assert shared_again(LEVELS)
    monkeypatch.setattr(sp.Basic, "__eq__", counted)
    assert shared_again(LEVELS)


def test_what_stands_once_stands_where_it_is_used():
    found = share("f", (a, b), [(sp.Symbol("_l", real=True), a + b)], {"y": fn.sin(sp.Symbol("_l", real=True)) * a})
    assert not found.lets and found.output["y"] == fn.sin(a + b) * a


def test_what_stands_twice_has_one_name():
    """Also where one of the places is a let of its own."""
    leaf = ex.block("_l", 3)
    found = share("f", (a, z), [(leaf, fn.sin(z))], {"x": leaf * a, "y": leaf + fn.sin(z) ** 2})
    assert [value for _, value in found.lets] == [fn.sin(z)]


def test_nothing_is_taken_out_of_a_branch():
    """Beyond z > 0 the root is not defined, however often it stands in the branch."""
    root = fn.sqrt(a)
    found = share("f", (a,), (), {"y": fn.where(a > 0, root + fn.sin(root), 0)})
    assert not found.lets

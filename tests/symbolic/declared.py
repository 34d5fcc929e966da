"""The names that the tests of the language declare, and reading and refusing with them."""

from typing import Any

import pytest
import sympy as sp

from odeanalysis.errors import LanguageError
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.language import parse
from odeanalysis.symbolic.nodes import Array

a, b, s, gamma = (ex.block(name) for name in ("a", "b", "s", "gamma"))
z, y, x = ex.block("z", 3), ex.block("y", 3), ex.block("x", 2)
W, A, T3 = ex.block("W", 2, 3), ex.block("A", 3, 3), ex.block("T3", 2, 3, 2)
LEAVES = (a, b, s, gamma, z, y, x, W, A, T3)
NAMES = {leaf.name: leaf for leaf in LEAVES}
SHAPES = ((), (2,), (3,), (2, 3), (3, 3), (2, 3, 2))


def read(text: str) -> Any:
    return parse(text, NAMES, key="field.z")


def refusal(text: Any, key: str = "field.z") -> str:
    """The message with which a text is refused."""
    with pytest.raises(LanguageError) as caught:
        parse(text, NAMES, key=key)
    return str(caught.value)


def read_or_refused(text: str) -> None:
    """An expression of the vocabulary, or an error of the language that names the key; nothing else."""
    try:
        expression = read(text)
    except LanguageError as error:
        assert str(error).startswith("field.z: ")
        return
    assert isinstance(expression, (sp.Expr, Array))

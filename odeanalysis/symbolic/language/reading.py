"""The reader of one statement: its names, its grammar, and how what is refused further down gets its place."""

import ast
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from odeanalysis.errors import LanguageError, ModelError
from odeanalysis.symbolic.language.grammar import CONDITION, VALUE, Grammar
from odeanalysis.symbolic.language.statement import Statement
from odeanalysis.symbolic.nodes import Array, Leaf, shape_of
from odeanalysis.symbolic.shapes import show

Way = Callable[["Reader", Any], Any]
Fail = Callable[[str], LanguageError]
# AttributeError: SymPy 1.14 trips over its own warnings where it reduces huge angles
ARITHMETIC = (TypeError, ValueError, ArithmeticError, NotImplementedError, AttributeError)


@dataclass(frozen=True)
class Reader:
    """Reads the parts of a statement; `ways` says how a part of each kind (an expression, a condition, a size) is read."""

    statement: Statement
    names: Mapping[str, Leaf]
    grammar: Grammar
    ways: Mapping[str, Way]

    def read(self, kind: str, node: ast.expr) -> Any:
        return self.ways[kind](self, node)

    def expression(self, node: ast.expr) -> Any:
        """A scalar or an array."""
        return self.read(VALUE, node)

    def condition(self, node: ast.expr) -> Any:
        """A condition, of scalars or entry by entry."""
        return self.read(CONDITION, node)

    @contextmanager
    def placed(self, fail: Fail) -> Iterator[None]:
        """What builders and SymPy refuse becomes an error with a place."""
        try:
            yield
        except LanguageError:
            raise
        except ModelError as error:
            raise fail(str(error)) from error
        except ARITHMETIC as error:
            raise fail(f"SymPy cannot evaluate this ({error}); write it in another form") from error

    def at(self, node: ast.expr, what: str = "") -> Fail:
        """Errors with carets under a part."""
        return lambda message: self.statement.at(node, f"{what}{message}")

    def between(self, left: ast.expr, right: ast.expr, operator: str, values: tuple[Any, Any]) -> Fail:
        """Errors of a binary operation, with carets under it; both operands are named with their shapes where one is an array."""

        def fail(message: str) -> LanguageError:
            shown = [
                f"{self.statement.show(node)!r} of shape {show(shape_of(one))}" for node, one in zip((left, right), values, strict=True)
            ]
            known = f"{' and '.join(shown)}: " if any(isinstance(one, Array) for one in values) else ""
            return self.statement.between(left, right, operator, f"{known}{message}")

        return fail

"""The reader of one statement: its names, its grammar, and how what is refused further down gets its place."""

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from odeanalysis.errors import LanguageError, ModelError
from odeanalysis.symbolic.language.grammar import CONDITION, VALUE, Grammar
from odeanalysis.symbolic.language.statement import Statement
from odeanalysis.symbolic.nodes import Leaf, shape_of
from odeanalysis.symbolic.shapes import ShapeError, show

Operand = tuple[ast.expr, Any]
"""Where an operand stands, and its value."""
Operands = Sequence[Operand]
Way = Callable[["Reader", Any], Any]
Fail = Callable[[ModelError | str], LanguageError]
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
            raise fail(error) from error
        except ARITHMETIC as error:
            raise fail(f"SymPy cannot evaluate this ({error}); write it in another form") from error

    def at(self, node: ast.expr, what: str = "") -> Fail:
        """Errors with carets under a part."""
        return lambda problem: self.statement.at(node, f"{what}{problem}")

    def of(self, node: ast.expr, operands: Operands) -> Fail:
        """Errors with carets under a part, in which its operands are named."""
        return lambda problem: self.statement.at(node, self._named(problem, operands))

    def between(self, operator: str, left: Operand, right: Operand) -> Fail:
        """Errors of a binary operation, with carets under it, in which both operands are named."""
        return lambda problem: self.statement.between(left[0], right[0], operator, self._named(problem, [left, right]))

    def _named(self, problem: ModelError | str, operands: Operands) -> str:
        """A problem with each operand's text and shape, said once; scalars alone need no shapes."""
        names = [repr(self.statement.show(place)) for place, _ in operands]
        shapes = tuple(shape_of(value) for _, value in operands)
        if isinstance(problem, ShapeError) and problem.operands == shapes:
            return problem.named(*names)
        shown = " and ".join(f"{name} of shape {show(shape)}" for name, shape in zip(names, shapes, strict=True))
        return f"{shown}: {problem}" if any(shapes) else str(problem)

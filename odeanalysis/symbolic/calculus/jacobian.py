"""Jacobians of formulas: by structure where there is one, else along unit directions.

J = d output/d wrt, of shape output + wrt:  a scalar output has its gradient, a scalar input its tangent, vectors a matrix
"""

from collections.abc import Callable, Iterable
from typing import Any

import sympy as sp

from odeanalysis.errors import DerivationError
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic.calculus import structure as st
from odeanalysis.symbolic.calculus.directions import Lets, flat, indices, is_explicit, narrowed, unit
from odeanalysis.symbolic.calculus.rows import NoStructure, Rows
from odeanalysis.symbolic.formula import Formula, name_of, share
from odeanalysis.symbolic.nodes import Leaf, shape_of
from odeanalysis.symbolic.shapes import as_size, size_of

JACOBIAN = "jacobian"


def jacobian(formula: Formula, output: str, wrt: Leaf, name: str | None = None) -> Formula:
    """The Jacobian of one output in one input: `jacobian`, of shape output + wrt.

        J[i, j] = d output[i] / d wrt[j]

    formula: a function.  output: the name of one of its outputs.  wrt: an input; one that the formula does not have gives zeros.
    Returns a formula of the same inputs. Vectors may have symbolic sizes: their Jacobian is built by one rule for each node.
    Raises DerivationError for an unknown output, and where a symbolic size meets a node whose Jacobian has no structure.
    """
    _check(formula, [output])
    lets = Lets()
    value = block_of(narrowed(formula, output), output, wrt, lets)
    title = f"the Jacobian of {output} in {name_of(wrt)}"
    return share(name or f"{formula.name}_jacobian", formula.inputs, (*formula.lets, *lets.items), {JACOBIAN: value}, title)


def flat_jacobian(formula: Formula, outputs: Iterable[str], wrts: Iterable[Leaf], name: str | None = None) -> Formula:
    """The Jacobian of several outputs in several inputs, each flattened row by row and put one behind the other: `jacobian`, a matrix.

    outputs: names of outputs.  wrts: inputs, in the order of the columns; one that the formula does not have gives columns of zeros.
    Returns a formula of the same inputs. Raises DerivationError as `jacobian` does, and where entries of arrays of rank 2 or more would
    have to be told apart along a symbolic size.
    """
    outputs, wrts = tuple(outputs), tuple(wrts)
    _check(formula, outputs)
    rows, columns = _Axis([formula.output[output] for output in outputs]), _Axis(wrts)
    lets, terms = Lets(), []
    for output, row in zip(outputs, rows.items, strict=True):
        values = flat_blocks(narrowed(formula, output), output, wrts, lets)
        terms += [st.place(value, (row, column), (rows.size, columns.size)) for value, column in zip(values, columns.items, strict=True)]
    title = f"the Jacobian of {', '.join(outputs)} in {', '.join(map(name_of, wrts))}"
    found = {JACOBIAN: ex.add(ex.zeros(rows.size, columns.size), *terms)}
    return share(name or f"{formula.name}_jacobian", formula.inputs, (*formula.lets, *lets.items), found, title)


class _Axis:
    """Where each of several arrays stands on an axis on which they are flattened, one behind the other."""

    def __init__(self, values: Iterable[Any]):
        self.items: list[Any] = []
        start: Any = sp.Integer(0)
        for value in values:
            size = size_of(shape_of(value))
            self.items.append(sp.Tuple(start, size, 1) if shape_of(value) else start)
            start = start + size
        self.size = as_size(start)


def flat_blocks(formula: Formula, output: str, wrts: tuple[Leaf, ...], lets: Lets) -> list[Any]:
    """The blocks of one output, in each input, flattened: (), (columns,), (rows,) or (rows, columns)."""
    if shape_of(formula.output[output]) == ():
        gradients = lets.reverse(formula, output, sp.Integer(1), wrts)
        return [_flat_unless_scalar(gradients[wrt], name_of(wrt)) for wrt in wrts]
    return [_flat_block(formula, output, wrt, lets) for wrt in wrts]


def _flat_unless_scalar(value: Any, what: str) -> Any:
    return flat(value, what) if shape_of(value) else value


def _flat_block(formula: Formula, output: str, wrt: Leaf, lets: Lets) -> Any:
    value = formula.output[output]
    if shape_of(wrt) == ():
        return flat(lets.forward(formula, wrt, sp.Integer(1))[output], output)
    if len(shape_of(wrt)) == len(shape_of(value)) == 1:
        return matrix_of(formula, output, wrt, lets)
    every = st.whole(as_size(size_of(shape_of(value))))
    shape = (as_size(size_of(shape_of(value))), as_size(size_of(shape_of(wrt))))
    moved = (lets.forward(formula, wrt, unit(index, shape_of(wrt)))[output] for index in indices(name_of(wrt), shape_of(wrt)))
    return ex.add(ex.zeros(*shape), *(ex.place(flat(one, output), (every, sp.Integer(k)), shape) for k, one in enumerate(moved)))


# ---------------------------------------------------------------- one block in its own shape


def block_of(formula: Formula, output: str, wrt: Leaf, lets: Lets) -> Any:
    """d output/d wrt, of shape output + wrt."""
    out, into = shape_of(formula.output[output]), shape_of(wrt)
    if out == ():
        return lets.reverse(formula, output, sp.Integer(1), (wrt,))[wrt]
    if into == ():
        return lets.forward(formula, wrt, sp.Integer(1))[output]
    if len(out) == len(into) == 1:
        return matrix_of(formula, output, wrt, lets)
    fewer = is_explicit(out) and (not is_explicit(into) or size_of(out) < size_of(into))
    return _by_entries(formula, output, wrt, lets) if fewer else _by_directions(formula, output, wrt, lets)


def matrix_of(formula: Formula, output: str, wrt: Leaf, lets: Lets) -> Any:
    """The matrix of a vector in a vector: by structure, or along unit directions where a size is a number."""
    try:
        return structured(formula, wrt, lets.name).of(formula.output[output])
    except NoStructure:
        if not is_explicit(shape_of(wrt)):
            raise
        return _by_directions(formula, output, wrt, lets)


def structured(formula: Formula, wrt: Leaf, name: Callable[[Any], Any]) -> Rows:
    """The Jacobians of all lets, each under the name that it is given."""
    rows = Rows(formula.lets, wrt)
    for leaf, expression in formula.lets:
        if not rows.activity.of(leaf):
            continue
        if len(shape_of(leaf)) > 1:
            rows.matrices[leaf] = expression
        else:
            rows.known[leaf] = name(rows.of(expression, leaf))
    return rows


def _by_directions(formula: Formula, output: str, wrt: Leaf, lets: Lets) -> Any:
    out, into = shape_of(formula.output[output]), shape_of(wrt)
    every = tuple(map(st.whole, out))
    moved = ((index, lets.forward(formula, wrt, unit(index, into))[output]) for index in indices(name_of(wrt), into))
    return ex.add(ex.zeros(*out, *into), *(ex.place(value, (*every, *index), (*out, *into)) for index, value in moved))


def _by_entries(formula: Formula, output: str, wrt: Leaf, lets: Lets) -> Any:
    out, into = shape_of(formula.output[output]), shape_of(wrt)
    every = tuple(map(st.whole, into))
    pulled = ((index, lets.reverse(formula, output, unit(index, out), (wrt,))[wrt]) for index in indices(output, out))
    return ex.add(ex.zeros(*out, *into), *(ex.place(value, (*index, *every), (*out, *into)) for index, value in pulled))


def _check(formula: Formula, outputs: Iterable[str]) -> None:
    for output in outputs:
        if output not in formula.output:
            raise DerivationError(f"formula {formula.name!r} has no output {output!r}; it has {', '.join(formula.output)}")

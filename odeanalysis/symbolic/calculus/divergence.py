"""Divergences: the sum of the traces of Jacobians, by structure, without forming a Jacobian.

div f = sum over the states of tr(df/dz),   tr(W2 diag(d) W1) = d . diag(W1 W2)
"""

from collections.abc import Mapping
from typing import Any

import sympy as sp

from odeanalysis.errors import DerivationError
from odeanalysis.symbolic import expressions as ex
from odeanalysis.symbolic import nodes
from odeanalysis.symbolic.calculus import structure as st
from odeanalysis.symbolic.calculus.directions import Lets, entry, indices, is_explicit, narrowed, unit
from odeanalysis.symbolic.calculus.jacobian import structured
from odeanalysis.symbolic.calculus.rows import NoStructure
from odeanalysis.symbolic.formula import Formula, name_of, share
from odeanalysis.symbolic.nodes import Leaf, shape_of
from odeanalysis.symbolic.rewrite import is_atom
from odeanalysis.symbolic.shapes import show

DIVERGENCE = "divergence"
SUMS = 3  # deeper sums of Jacobians get a name, so that taking sums apart stays linear in the depth of a network


def divergence(formula: Formula, pairs: Mapping[Leaf, str], name: str | None = None) -> Formula:
    """The divergence `divergence`, a scalar: the sum over pairs (input, output) of the trace of d output / d input.

        tr(W2 diag(d) W1) = d . diag(W1 W2)

    pairs: input -> name of an output of its shape.  Returns a formula of the same inputs. The cost for a network with one hidden layer is
    that of one pass; sizes may be symbols where every node has a rule.
    Raises DerivationError for an output of another shape, and where a symbolic size meets a node whose Jacobian has no structure.
    """
    lets, parts = Lets(), []
    for leaf, output in pairs.items():
        _check(formula, leaf, output)
        parts.append(_trace(narrowed(formula, output), leaf, output, lets))
    title = f"the divergence of {', '.join(pairs.values())}"
    return share(
        name or f"{formula.name}_divergence",
        formula.inputs,
        (*formula.lets, *lets.items),
        {DIVERGENCE: ex.add(*parts)},
        title,
    )


def hutchinson(formula: Formula, pairs: Mapping[Leaf, str], noise: Leaf | Mapping[Leaf, Leaf], name: str | None = None) -> Formula:
    """Hutchinson's estimate of the divergence, by one vector-Jacobian product: `divergence` = eps^T J eps.

    pairs: input -> name of an output of its shape.  noise: for each input a leaf of its shape, whose entries are drawn with mean 0 and
    variance 1, independently; for one pair the leaf alone. The noise is an input of the result, after those of the formula.
    Source: Hutchinson 1990; E[eps^T J eps] = tr J.
    """
    draws = dict(noise) if isinstance(noise, Mapping) else dict.fromkeys(pairs, noise)
    for leaf, output in pairs.items():
        _check(formula, leaf, output)
        _check_noise(formula, leaf, draws)
    lets = Lets()
    gradients = lets.pulled(formula, {output: draws[leaf] for leaf, output in pairs.items()}, tuple(pairs))
    value = ex.add(*(ex.total(ex.mul(draws[leaf], gradients[leaf])) for leaf in pairs))
    inputs = (*formula.inputs, *(one for one in dict.fromkeys(draws.values()) if one not in formula.inputs))
    title = f"Hutchinson's estimate of the divergence of {', '.join(pairs.values())}"
    return share(name or f"{formula.name}_divergence", inputs, (*formula.lets, *lets.items), {DIVERGENCE: value}, title)


def _check(formula: Formula, leaf: Leaf, output: str) -> None:
    if output not in formula.output:
        raise DerivationError(f"formula {formula.name!r} has no output {output!r}; it has {', '.join(formula.output)}")
    if shape_of(leaf) != formula.shapes[output]:
        raise DerivationError(
            f"the divergence of {output!r}, of shape {show(formula.shapes[output])}, in {name_of(leaf)!r}, of shape "
            f"{show(shape_of(leaf))}, is not defined; pair every state with its own derivative"
        )


def _check_noise(formula: Formula, leaf: Leaf, draws: Mapping[Leaf, Leaf]) -> None:
    if leaf not in draws or shape_of(draws[leaf]) != shape_of(leaf):
        given = show(shape_of(draws[leaf])) if leaf in draws else "none"
        raise DerivationError(
            f"the noise for {name_of(leaf)!r} needs shape {show(shape_of(leaf))}, got {given}; give one leaf for each state"
        )


def _trace(formula: Formula, leaf: Leaf, output: str, lets: Lets) -> Any:
    """The trace of d output/d leaf."""
    if shape_of(leaf) == ():
        return lets.forward(formula, leaf, sp.Integer(1))[output]
    try:
        return _structured_trace(formula, leaf, output, lets)
    except NoStructure:
        if not is_explicit(shape_of(leaf)):
            raise
    every = indices(name_of(leaf), shape_of(leaf))
    return ex.add(*(entry(lets.forward(formula, leaf, unit(index, shape_of(leaf)))[output], index) for index in every))


def _structured_trace(formula: Formula, leaf: Leaf, output: str, lets: Lets) -> Any:
    if len(shape_of(leaf)) != 1:
        raise NoStructure(f"{name_of(leaf)!r} has shape {show(shape_of(leaf))}; its divergence by structure needs a vector")

    def name(value: Any) -> Any:
        return lets.name(value) if len(shape_of(value)) == 1 or sums(value) > SUMS else value

    return st.trace(structured(formula, leaf, name).of(formula.output[output]))


def sums(matrix: Any) -> int:
    """How many sums stand inside each other in a matrix made of products and sums."""
    if is_atom(matrix) or not isinstance(matrix, (nodes.Plus, nodes.Times, nodes.MatMul, nodes.Permute, nodes.Place)):
        return 0
    return isinstance(matrix, nodes.Plus) + max(sums(argument) for argument in matrix.args)

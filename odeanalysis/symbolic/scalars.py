"""Scalar functions that SymPy lacks, or simplifies in a way that floating point does not survive; they stay as they are written."""

from typing import Any

import sympy as sp


class Elementary(sp.Function):
    """A real function of real arguments, never rewritten; `functions.FUNCTIONS` knows its definition and derivative."""

    is_real = True
    is_commutative = True

    @classmethod
    def eval(cls, *args: Any) -> Any:
        return None

    def fdiff(self, argindex: int = 1) -> Any:
        raise TypeError(f"SymPy cannot differentiate {self}; use odeanalysis.vjp or jvp on a Formula")


class sigmoid(Elementary):
    nargs = 1


class softplus(Elementary):
    nargs = 1


class relu(Elementary):
    nargs = 1


class elu(Elementary):
    nargs = 1


class gelu(Elementary):
    nargs = 1


class silu(Elementary):
    nargs = 1


class step(Elementary):
    """1 for a positive argument, else 0."""

    nargs = 1


class maximum(Elementary):
    nargs = 2


class minimum(Elementary):
    nargs = 2


class where(Elementary):
    """`where(condition, u, v)`: u where the condition holds, else v."""

    nargs = 3

    @classmethod
    def eval(cls, *args: Any) -> Any:
        condition, chosen, other = args
        if chosen == other or condition == sp.true:
            return chosen
        return other if condition == sp.false else None

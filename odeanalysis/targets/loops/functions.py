"""What loops call, for each kind of number: elementary functions by arithmetic alone, which compilers turn into vectors; others are the
C library's.

Errors are a few units in the last place. Each function is compiled by itself, without reordering of sums, which would cost digits.
"""

import math
from functools import cache
from typing import Any

import numpy as np
from numba import njit

from odeanalysis.targets.loops.bits import reinterpreted
from odeanalysis.targets.loops.products import outer_sum, rows_times, solution

EXACT = {"error_model": "numpy", "fastmath": {"contract", "nsz"}, "forceinline": True}
entry = njit(**EXACT)
single, double = np.float32, np.float64

# ---------------------------------------------------------------- exponential: 2^n e^r, abs(r) <= log(2)/2

LOG2E = {kind: kind(1 / math.log(2)) for kind in (single, double)}
LN2_HIGH = {single: single(0.693145751953125), double: double(0.6931471803691238)}  # few bits, so that n times it is exact
LN2_LOW = {single: single(1.428606765330187e-06), double: double(1.9082149292705877e-10)}
WHOLE = {single: single(1.5 * 2**23), double: double(1.5 * 2**52)}  # added to a number, it leaves its whole part in the last bits
TAYLOR = {single: tuple(single(1 / math.factorial(k)) for k in range(8)), double: tuple(1 / math.factorial(k) for k in range(14))}


def _exponential(kind, bits, mantissa, bias, least, most):
    log2e, high, low, whole = LOG2E[kind], LN2_HIGH[kind], LN2_LOW[kind], WHOLE[kind]
    least, most, mantissa, bias, offset = kind(least), kind(most), bits(mantissa), bits(bias), bits(whole.view(bits))
    coefficients = TAYLOR[kind]

    @entry
    def exponential(x):
        x = least if x < least else x
        x = most if x > most else x
        shifted = x * log2e + whole
        n = shifted - whole
        r = (x - n * high) - n * low
        value = coefficients[-1]
        for k in range(len(coefficients) - 2, -1, -1):
            value = value * r + coefficients[k]
        power = reinterpreted(shifted) - offset
        half = power >> bits(1)
        value = value * reinterpreted(bits((half + bias) << mantissa))
        return value * reinterpreted(bits((power - half + bias) << mantissa))

    return exponential


exp_single = _exponential(single, np.int32, 23, 127, -104.0, 89.0)
exp_double = _exponential(double, np.int64, 52, 1023, -746.0, 710.0)

# ---------------------------------------------------------------- hyperbolic tangent: e/(e + 2), e = exp(2 abs(x)) - 1


def _tangent(kind, bits, mantissa, bias, most):
    log2e, high, low, whole = LOG2E[kind], LN2_HIGH[kind], LN2_LOW[kind], WHOLE[kind]
    mantissa, bias, offset = bits(mantissa), bits(bias), bits(whole.view(bits))
    one, two, most = kind(1), kind(2), kind(most)
    coefficients = TAYLOR[kind]

    @entry
    def tangent(x):
        size = abs(x)
        size = most if size > most else size
        twice = size + size
        shifted = twice * log2e + whole
        n = shifted - whole
        r = (twice - n * high) - n * low
        value = coefficients[-1]
        for k in range(len(coefficients) - 2, 0, -1):
            value = value * r + coefficients[k]
        power = reinterpreted(bits((reinterpreted(shifted) - offset + bias) << mantissa))
        grown = (power - one) + power * (value * r)
        return math.copysign(grown / (grown + two), x)

    return tangent


tanh_single = _tangent(single, np.int32, 23, 127, 10.0)
tanh_double = _tangent(double, np.int64, 52, 1023, 20.0)


# ---------------------------------------------------------------- others


def _sigmoid(kind, exponential):
    one = kind(1)
    return entry(lambda x: one / (one + exponential(-x)))


sigmoid_single, sigmoid_double = _sigmoid(single, exp_single), _sigmoid(double, exp_double)


def _choosing(kind):
    """Functions that choose: what is not a number stays so."""
    zero, one = kind(0), kind(1)
    relu = entry(lambda x: zero if x <= zero else x)
    step = entry(lambda x: one if x > zero else zero)
    sign = entry(lambda x: one if x > zero else (-one if x < zero else x))
    maximum = entry(lambda u, v: u if u > v or u != u else v)
    minimum = entry(lambda u, v: u if u < v or u != u else v)
    return {"relu": relu, "step": step, "sign": sign, "maximum": maximum, "minimum": minimum}


def _made(kind, exponential, sigmoid):
    """Functions made of others."""
    zero, half, root = kind(0), kind(0.5), kind(math.sqrt(0.5))

    @entry
    def softplus(x):
        return (x if x > zero else zero) + math.log1p(exponential(-abs(x)))

    @entry
    def elu(x):
        return x if x > zero else math.expm1(x)

    @entry
    def gelu(x):
        return x * (half * math.erfc(-root * x))

    silu = entry(lambda x: x * sigmoid(x))
    return {"softplus": softplus, "elu": elu, "gelu": gelu, "silu": silu}


ARRAYS = {"rows_times": rows_times, "outer_sum": outer_sum, "solution": solution}
LIBRARY = {name: getattr(math, name) for name in ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "log", "sqrt", "erf")}
FUNCTIONS = {
    "float32": {
        **{**ARRAYS, **LIBRARY, "abs": abs, "exp": exp_single, "tanh": tanh_single, "sigmoid": sigmoid_single},
        **{**_choosing(single), **_made(single, exp_single, sigmoid_single)},
    },
    "float64": {
        **{**ARRAYS, **LIBRARY, "abs": abs, "exp": exp_double, "tanh": tanh_double, "sigmoid": sigmoid_double},
        **{**_choosing(double), **_made(double, exp_double, sigmoid_double)},
    },
}
POWER = "power"


def functions(kind: str, *names: str) -> tuple[Any, ...]:
    """The functions of these names for one kind of number; `power3` is x -> x^3."""
    return tuple(whole_power(int(name.removeprefix(POWER))) if name.startswith(POWER) else FUNCTIONS[kind][name] for name in names)


@cache
def whole_power(exponent: int):
    """x -> x^n for a whole n from 2 on, by squaring."""
    steps = tuple(letter == "1" for letter in bin(exponent)[3:])

    @entry
    def power(x):
        y = x
        for once_more in steps:
            y = y * y
            if once_more:
                y = y * x
        return y

    return power

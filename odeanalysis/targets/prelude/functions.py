"""What printed NumPy programs call: functions of arrays whose leading (batch) axes broadcast against each other.

Each stands alone, so that a program can carry the text of those that it uses; see `helper_source`. On complex numbers each is
the analytic continuation from the real axis, with branches chosen by the real part, as complex-step derivatives need it.
"""

import inspect

import numpy as np

from odeanalysis.errors import TargetError

# ---------------------------------------------------------------- elementary functions


def absolute(x):
    """|x|."""
    return x * np.sign(x.real) if np.iscomplexobj(x) else np.abs(x)


def maximum(x, y):
    """The larger of two values, by real parts."""
    if np.iscomplexobj(x) or np.iscomplexobj(y):
        return np.where(np.real(x) >= np.real(y), x, y)
    return np.maximum(x, y)


def minimum(x, y):
    """The smaller of two values, by real parts."""
    if np.iscomplexobj(x) or np.iscomplexobj(y):
        return np.where(np.real(x) <= np.real(y), x, y)
    return np.minimum(x, y)


def relu(x):
    """x where it is positive, else 0."""
    return np.where(x.real > 0, x, 0.0) if np.iscomplexobj(x) else np.maximum(x, 0.0)


def sigmoid(x):
    """1/(1 + exp(-x)); the exponential stays finite."""
    x = (
        np.where(np.real(x) < -709.0, -709.0, x)
        if np.iscomplexobj(x)
        else np.maximum(x, -709.0)
    )
    return 1.0 / (1.0 + np.exp(-x))


def silu(x):
    """x/(1 + exp(-x)); the exponential stays finite."""
    bounded = (
        np.where(np.real(x) < -709.0, -709.0, x)
        if np.iscomplexobj(x)
        else np.maximum(x, -709.0)
    )
    return x / (1.0 + np.exp(-bounded))


def softplus(x):
    """log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|)), which never overflows."""
    if np.iscomplexobj(x):
        return np.where(x.real > 0, x, 0.0) + np.log1p(
            np.exp(np.where(x.real > 0, -x, x))
        )
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def elu(x):
    """x where it is positive, else exp(x) - 1."""
    positive = np.real(x) > 0
    return np.where(positive, x, np.expm1(np.where(positive, 0.0, x)))


def erf(x):
    """The error function."""
    from scipy.special import erf as function

    return function(x)


def gelu(x):
    """x times the standard normal distribution function."""
    from scipy.special import erfc

    return 0.5 * x * erfc(x * -0.7071067811865476)


# ---------------------------------------------------------------- making arrays


def fill(value, shape):
    """An array whose entries along new last axes of this shape are all `value`."""
    result = np.empty(value.shape + shape, value.dtype)
    result[...] = value[(..., *(None,) * len(shape))]
    return result


def stack(*scalars):
    """Scalars as one vector."""
    if not any(getattr(scalar, "ndim", 0) for scalar in scalars):
        return np.array(scalars)
    shapes = {np.shape(scalar) for scalar in scalars}
    return np.stack(
        scalars if len(shapes) == 1 else np.broadcast_arrays(*scalars), axis=-1
    )


def concat(*vectors):
    """Vectors, one behind the other."""
    batch = np.broadcast_shapes(*(vector.shape[:-1] for vector in vectors))
    parts = [
        v if v.shape[:-1] == batch else np.broadcast_to(v, batch + v.shape[-1:])
        for v in vectors
    ]
    return np.concatenate(parts, axis=-1)


def place(shape, *parts):
    """Zeros of this shape, plus each part (key, value) at its key."""
    values = [np.asarray(value) for _, value in parts]
    ranks = [sum(isinstance(item, slice) for item in key) for key, _ in parts]
    batch = np.broadcast_shapes(
        *(
            value.shape[: value.ndim - rank]
            for value, rank in zip(values, ranks, strict=True)
        )
    )
    result = np.zeros(batch + shape, np.result_type(*values))
    for (key, _), value in zip(parts, values, strict=True):
        result[key] += value
    return result


def diag(vector):
    """The diagonal matrix of a vector."""
    places = np.arange(vector.shape[-1])
    result = np.zeros(vector.shape + vector.shape[-1:], vector.dtype)
    result[..., places, places] = vector
    return result


# ---------------------------------------------------------------- products


def matvec(matrix, vector):
    """Matrix times vector; with one matrix for all samples a product of matrices."""
    if matrix.ndim > 2:
        return np.matmul(matrix, vector[..., None])[..., 0]
    return (
        vector @ matrix.T if vector.ndim < 3 else np.tensordot(vector, matrix, (-1, 1))
    )


def vecmat(vector, matrix):
    """Vector times matrix; with one matrix for all samples a product of matrices."""
    if matrix.ndim > 2:
        return np.matmul(vector[..., None, :], matrix)[..., 0, :]
    return vector @ matrix if vector.ndim < 3 else np.tensordot(vector, matrix, (-1, 0))


def solve(matrix, right):
    """The vector x with `matrix x = right`; NaN where the matrix is singular."""
    try:
        if matrix.ndim == right.ndim == 2:
            return np.linalg.solve(matrix, right.T).T
        return np.linalg.solve(matrix, right[..., None])[..., 0]
    except np.linalg.LinAlgError:
        singular = np.linalg.slogdet(matrix)[0] == 0
        regular = np.where(singular[..., None, None], np.eye(matrix.shape[-1]), matrix)
        return np.where(
            singular[..., None],
            np.nan,
            np.linalg.solve(regular, right[..., None])[..., 0],
        )


# ---------------------------------------------------------------- sums over the batch


def common_batch(*values):
    """The batch axes that values, as (value, rank without batch), have together."""
    return np.broadcast_shapes(
        *(value.shape[: value.ndim - rank] for value, rank in values)
    )


def batch_sum(value, rank, batch=None):
    """The sum over all axes before the last `rank` ones, broadcast to `batch` first."""
    if batch is not None:
        value = np.broadcast_to(value, batch + value.shape[value.ndim - rank :])
    return value.sum(axis=tuple(range(value.ndim - rank)))


def outer_sum(left, right, batch=None):
    """The sum over the batch of outer products: one product of matrices."""
    if batch is None:
        batch = np.broadcast_shapes(left.shape[:-1], right.shape[:-1])
    if len(batch) == 1 and left.shape[:-1] == right.shape[:-1] == batch:
        return left.T @ right
    left, right = (
        np.broadcast_to(left, batch + left.shape[-1:]),
        np.broadcast_to(right, batch + right.shape[-1:]),
    )
    axes = tuple(range(len(batch)))
    return np.tensordot(left, right, (axes, axes))


def weighted_sum(weight, value, rank, batch=None):
    """The sum over the batch of scalar times array; a shared array is scaled once."""
    core = value.shape[value.ndim - rank :]
    if batch is None:
        batch = np.broadcast_shapes(weight.shape, value.shape[: value.ndim - rank])
    weight = np.broadcast_to(weight, batch)
    if value.ndim == rank:
        return weight.sum() * value
    return np.tensordot(weight, np.broadcast_to(value, batch + core), len(batch))


# ---------------------------------------------------------------- their text

HELPERS = {
    helper.__name__: helper
    for helper in (
        *(absolute, maximum, minimum, relu, sigmoid, silu, softplus, elu, erf, gelu),
        *(fill, stack, concat, place, diag, matvec, vecmat, solve),
        *(common_batch, batch_sum, outer_sum, weighted_sum),
    )
}


def helper_source(name):
    """The text of one of these functions, which needs `numpy as np` and nothing else of this module."""
    if name not in HELPERS:
        raise TargetError(
            f"there is no helper {name!r}; there are {', '.join(HELPERS)}"
        )
    return inspect.getsource(HELPERS[name])

"""What printed torch programs call: functions of tensors whose leading (batch) axes broadcast against each other.

Each stands alone, so that a program can carry the text of those that it uses. None writes into its
arguments, waits for a device, or branches on values, so that they run under autograd, torch.func and torch.compile.
"""

import torch

# ---------------------------------------------------------------- elementary functions


def step(x):
    """1 where x is positive, else 0."""
    return (x > 0).to(x.dtype)


def softplus(x):
    """log(1 + exp(x)); beyond 40, where exp(-x) is below any rounding, it is x."""
    return torch.nn.functional.softplus(x, 1.0, 40.0)


def gelu(x):
    """x times the standard normal distribution function, which keeps its digits far to the left."""
    return x * torch.erfc(x * -0.7071067811865476) * 0.5


# ---------------------------------------------------------------- making arrays


def fill(value, shape):
    """An array whose entries along new last axes of this shape are all `value`."""
    return value[(..., *(None,) * len(shape))].expand(value.shape + shape)


def stack(*scalars):
    """Scalars as one vector."""
    return torch.stack(torch.broadcast_tensors(*scalars), -1)


def concat(*vectors):
    """Vectors, one behind the other."""
    batch = torch.broadcast_shapes(*(vector.shape[:-1] for vector in vectors))
    return torch.cat([v if v.shape[:-1] == batch else v.expand(batch + v.shape[-1:]) for v in vectors], -1)


def place(shape, *parts):
    """Zeros of this shape, to which each part (key, value) adds its value at its key."""

    def along(value, axis, start, stride, size):
        """The value at every `stride`-th place of an axis, from `start` on, between zeros."""
        if stride < 0:
            value, stride, start = value.flip(axis), -stride, start + stride * (value.shape[axis] - 1)
        behind = (0, 0) * (-axis - 1)
        if stride > 1 and value.shape[axis] > 1:
            gaps = torch.nn.functional.pad(value.unsqueeze(axis), (*behind, 0, stride - 1)).flatten(axis - 1, axis)
            value = gaps.narrow(axis, 0, gaps.shape[axis] - stride + 1)
        around = (start, size - start - value.shape[axis])
        return torch.nn.functional.pad(value, (*behind, *around)) if any(around) else value

    result = None
    for (_, *key), value in parts:
        for axis in range(-1, -len(shape) - 1, -1):
            item = key[axis]
            if not isinstance(item, slice):
                value = along(value.unsqueeze(axis), axis, item, 1, shape[axis])
            elif item.step is not None:
                value = along(value, axis, item.start, item.step, shape[axis])
        result = value if result is None else result + value
    return result


# ---------------------------------------------------------------- products


def matvec(matrix, vector):
    """Matrix times vector; one matrix for all samples makes it one product of matrices."""
    if matrix.ndim == 2:
        return torch.nn.functional.linear(vector, matrix)
    return torch.matmul(matrix, vector) if vector.ndim == 1 else torch.matmul(matrix, vector.unsqueeze(-1)).squeeze(-1)


def vecmat(vector, matrix):
    """Vector times matrix; one matrix for all samples makes it one product of matrices."""
    if matrix.ndim == 2:
        return torch.matmul(vector, matrix)
    return torch.matmul(vector.unsqueeze(-2), matrix).squeeze(-2)


def solve(matrix, right):
    """The vector x with `matrix x = right`; NaN for a sample whose matrix is singular."""
    dtype = torch.promote_types(matrix.dtype, right.dtype)
    working = torch.promote_types(dtype, torch.float32)
    found, failed = torch.linalg.solve_ex(matrix.to(working), right.to(working).unsqueeze(-1))
    return torch.where(failed.unsqueeze(-1) > 0, float("nan"), found.squeeze(-1)).to(dtype)


# ---------------------------------------------------------------- sums over the batch


def common_batch(*values):
    """The batch axes that values, each given as (value, rank without batch), have together."""
    return torch.broadcast_shapes(*(value.shape[: value.ndim - rank] for value, rank in values))


def batch_sum(value, rank, batch=None):
    """The sum over all axes before the last `rank` ones, after broadcasting them to `batch`."""
    if batch is not None:
        value = value.expand(batch + value.shape[value.ndim - rank :])
    return value.sum(tuple(range(value.ndim - rank))) if value.ndim > rank else value


def outer_sum(left, right, batch=None):
    """The sum over the batch of the outer products of two vectors, as one product of matrices."""
    if batch is None:
        batch = torch.broadcast_shapes(left.shape[:-1], right.shape[:-1])
    if not batch:
        return left.unsqueeze(-1) * right
    left = left if left.shape[:-1] == batch else left.expand(batch + left.shape[-1:])
    right = right if right.shape[:-1] == batch else right.expand(batch + right.shape[-1:])
    return left.flatten(0, -2).T @ right.flatten(0, -2)


def weighted_sum(weight, value, rank, batch=None):
    """The sum over the batch of scalar times array; an array that the samples share is scaled once."""
    core = value.shape[value.ndim - rank :]
    if batch is None:
        batch = torch.broadcast_shapes(weight.shape, value.shape[: value.ndim - rank])
    if not batch:
        return weight[(..., *(None,) * rank)] * value
    weight = weight.expand(batch)
    if value.ndim == rank:
        return weight.sum() * value
    value = value.expand(batch + core).flatten(0, len(batch) - 1)
    return torch.matmul(weight.flatten(), value.flatten(1)).unflatten(-1, core) if rank > 1 else torch.matmul(weight.flatten(), value)

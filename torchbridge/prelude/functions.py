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
    """x times the standard normal distribution function, exact far to the left too."""
    return x * torch.erfc(x * -0.7071067811865476) * 0.5


# ---------------------------------------------------------------- making arrays


def fill(value, shape):
    """An array whose entries along new last axes of this shape are all `value`."""
    return value[(..., *(None,) * len(shape))].expand(value.shape + shape)


def stack(*scalars):
    """Scalars as one vector."""
    alike = all(scalar.shape == scalars[0].shape for scalar in scalars)
    return torch.stack(scalars if alike else torch.broadcast_tensors(*scalars), -1)


def concat(*vectors):
    """Vectors, one behind the other."""
    batch = vectors[0].shape[:-1]
    if all(vector.shape[:-1] == batch for vector in vectors):
        return torch.cat(vectors, -1)
    batch = torch.broadcast_shapes(*(vector.shape[:-1] for vector in vectors))
    return torch.cat(
        [vector.expand(batch + vector.shape[-1:]) for vector in vectors], -1
    )


def join(axis, rank, *arrays):
    """Arrays of some rank, one behind the other along an axis."""
    batches = [array.shape[: array.ndim - rank] for array in arrays]
    if any(batch != batches[0] for batch in batches):
        batch = torch.broadcast_shapes(*batches)
        arrays = [
            array.expand(batch + array.shape[array.ndim - rank :]) for array in arrays
        ]
    return torch.cat(arrays, axis)


def place(shape, *parts):
    """Zeros of this shape, plus each part (key, value) at its key."""

    def along(value, axis, start, stride, size):
        """The value at each `stride`-th place from `start`, between zeros."""
        if stride < 0:
            value, stride, start = (
                value.flip(axis),
                -stride,
                start + stride * (value.shape[axis] - 1),
            )
        behind = (0, 0) * (-axis - 1)
        if stride > 1 and value.shape[axis] > 1:
            value = torch.nn.functional.pad(
                value.unsqueeze(axis), (*behind, 0, stride - 1)
            ).flatten(axis - 1, axis)
        around = (
            start,
            size - start - value.shape[axis],
        )  # below zero where the zeros behind the last value reach too far
        return (
            torch.nn.functional.pad(value, (*behind, *around)) if any(around) else value
        )

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
    """Matrix times vector; with one matrix for all samples a product of matrices."""
    if matrix.ndim == 2:
        return torch.nn.functional.linear(vector, matrix)
    return (
        torch.matmul(matrix, vector)
        if vector.ndim == 1
        else torch.matmul(matrix, vector.unsqueeze(-1)).squeeze(-1)
    )


def vecmat(vector, matrix):
    """Vector times matrix; with one matrix for all samples a product of matrices."""
    if matrix.ndim == 2:
        return torch.matmul(vector, matrix)
    return torch.matmul(vector.unsqueeze(-2), matrix).squeeze(-2)


def affine(matrix, vector, bias):
    """Matrix times vector, plus a vector."""
    if matrix.ndim == 2:
        linear = torch.nn.functional.linear
        return (
            linear(vector, matrix, bias)
            if bias.ndim == 1
            else linear(vector, matrix) + bias
        )
    if vector.ndim == 1:
        return torch.matmul(matrix, vector) + bias
    return torch.matmul(matrix, vector.unsqueeze(-1)).squeeze(-1) + bias


def mixed_matvec(weights, matrices, vector):
    """sum_j weights[j] (matrices[j] vector); shared weights mix the matrices."""
    number, rows, _ = matrices.shape[-3:]
    if matrices.ndim > 3:
        mixture = (weights[..., None, None] * matrices).sum(-3)
        return torch.matmul(mixture, vector.unsqueeze(-1)).squeeze(-1)
    if weights.ndim == 1:
        return torch.nn.functional.linear(
            vector,
            torch.matmul(weights, matrices.flatten(1)).unflatten(
                -1, matrices.shape[1:]
            ),
        )
    products = torch.nn.functional.linear(vector, matrices.flatten(0, 1)).unflatten(
        -1, (number, rows)
    )
    return (weights.unsqueeze(-1) * products).sum(-2)


def mixed_vecmat(weights, matrices, vector):
    """sum_j weights[j] (vector matrices[j]); shared weights mix the matrices."""
    if matrices.ndim > 3:
        mixture = (weights[..., None, None] * matrices).sum(-3)
        return torch.matmul(vector.unsqueeze(-2), mixture).squeeze(-2)
    if weights.ndim == 1:
        return torch.matmul(
            vector,
            torch.matmul(weights, matrices.flatten(1)).unflatten(
                -1, matrices.shape[1:]
            ),
        )
    return torch.matmul(
        (weights.unsqueeze(-1) * vector.unsqueeze(-2)).flatten(-2),
        matrices.flatten(0, 1),
    )


def forms(left, matrices, right):
    """left . (matrices[j] right) for each j, as a vector."""
    number, rows, _ = matrices.shape[-3:]
    if matrices.ndim > 3:
        products = torch.matmul(matrices, right[..., None, :, None]).squeeze(-1)
    else:
        products = torch.nn.functional.linear(right, matrices.flatten(0, 1)).unflatten(
            -1, (number, rows)
        )
    return (left.unsqueeze(-2) * products).sum(-1)


def solve(matrix, right):
    """The vector x with `matrix x = right`; NaN where the matrix is singular."""
    dtype = torch.promote_types(matrix.dtype, right.dtype)
    working = torch.promote_types(dtype, torch.float32)
    found, failed = torch.linalg.solve_ex(
        matrix.to(working), right.to(working).unsqueeze(-1)
    )
    return torch.where(failed.unsqueeze(-1) > 0, float("nan"), found.squeeze(-1)).to(
        dtype
    )


# ---------------------------------------------------------------- sums over the batch


def common_batch(*values):
    """The batch axes that values, as (value, rank without batch), have together."""
    batch = ()
    for value, rank in values:
        own = value.shape[: value.ndim - rank]
        if own and own != batch:
            batch = torch.broadcast_shapes(batch, own) if batch else own
    return batch


def batch_sum(value, rank, batch=None):
    """The sum over all axes before the last `rank` ones, broadcast to `batch` first."""
    if batch is not None:
        value = value.expand(batch + value.shape[value.ndim - rank :])
    return value.sum(tuple(range(value.ndim - rank))) if value.ndim > rank else value


def outer_sum(*vectors, batch=None):
    """The sum over the batch of outer products, left and right in turn."""
    if batch is None:
        batch = vectors[0].shape[:-1]
        if any(vector.shape[:-1] != batch for vector in vectors):
            batch = torch.broadcast_shapes(*(vector.shape[:-1] for vector in vectors))
    if not batch:
        return sum(
            left.unsqueeze(-1) * right
            for left, right in zip(vectors[::2], vectors[1::2], strict=True)
        )
    flat = [
        v.flatten(0, -2)
        if v.shape[:-1] == batch
        else v.expand(batch + v.shape[-1:]).flatten(0, -2)
        for v in vectors
    ]
    result = flat[0].T @ flat[1]
    for left, right in zip(flat[2::2], flat[3::2], strict=True):
        result = torch.addmm(result, left.T, right)
    return result


def mixed_outer_sum(weights, left, right, batch=None):
    """For each j the sum over the batch of weights[j] times an outer product."""
    if batch is None:
        batch = torch.broadcast_shapes(
            weights.shape[:-1], left.shape[:-1], right.shape[:-1]
        )
    shape = (weights.shape[-1], left.shape[-1], right.shape[-1])
    if weights.ndim > 1:
        left = (weights.unsqueeze(-1) * left.unsqueeze(-2)).flatten(-2)
    if not batch:
        return weights[:, None, None] * (left.unsqueeze(-1) * right)
    left, right = (
        v if v.shape[:-1] == batch else v.expand(batch + v.shape[-1:])
        for v in (left, right)
    )
    total = left.flatten(0, -2).T @ right.flatten(0, -2)
    return total.reshape(shape) if weights.ndim > 1 else weights[:, None, None] * total


def weighted_sum(weight, value, rank, batch=None):
    """The sum over the batch of scalar times array; a shared array is scaled once."""
    core = value.shape[value.ndim - rank :]
    if batch is None:
        batch = torch.broadcast_shapes(weight.shape, value.shape[: value.ndim - rank])
    if not batch:
        return weight[(..., *(None,) * rank)] * value
    weight = weight.expand(batch)
    if value.ndim == rank:
        return weight.sum() * value
    value = value.expand(batch + core).flatten(0, len(batch) - 1)
    return (
        torch.matmul(weight.flatten(), value.flatten(1)).unflatten(-1, core)
        if rank > 1
        else torch.matmul(weight.flatten(), value)
    )

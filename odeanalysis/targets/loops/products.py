"""What loops call for whole arrays: products of matrices and linear systems; thin matrices by loops, others by BLAS."""

import numpy as np
from numba import njit

FAST = {"error_model": "numpy", "fastmath": {"reassoc", "contract", "nsz", "arcp", "afn"}, "nogil": True}
THIN = 4  # up to so many columns a loop is faster than a call of BLAS
whole = njit(**FAST)


@whole
def rows_times(rows, matrix):
    """rows @ matrix: [B, k] and [k, m] -> [B, m]."""
    inner, wide = matrix.shape
    if inner <= THIN:
        return _few_rows(rows, np.ascontiguousarray(matrix))
    if wide <= THIN:
        return _few_columns(rows, np.ascontiguousarray(matrix.T))
    return np.dot(rows, matrix)


@whole
def _few_rows(rows, matrix):
    count, (inner, wide) = len(rows), matrix.shape
    found = np.empty((count, wide), rows.dtype)
    for b in range(count):
        for j in range(wide):
            found[b, j] = rows[b, 0] * matrix[0, j]
        for k in range(1, inner):
            for j in range(wide):
                found[b, j] += rows[b, k] * matrix[k, j]
    return found


@whole
def _few_columns(rows, columns):
    found = np.empty((len(rows), len(columns)), rows.dtype)
    for b in range(len(rows)):
        for j in range(len(columns)):
            total = rows[b, 0] * columns[j, 0]
            for k in range(1, rows.shape[1]):
                total += rows[b, k] * columns[j, k]
            found[b, j] = total
    return found


@whole
def outer_sum(left, right):
    """left.T @ right: [B, m] and [B, k] -> [m, k]."""
    if right.shape[1] <= THIN:
        return _thin_sum(right, left).T.copy()
    if left.shape[1] <= THIN:
        return _thin_sum(left, right)
    return np.dot(left.T, right)


@whole
def _thin_sum(thin, wide):
    found = np.zeros((thin.shape[1], wide.shape[1]), thin.dtype)
    for b in range(len(thin)):
        for i in range(thin.shape[1]):
            for j in range(wide.shape[1]):
                found[i, j] += thin[b, i] * wide[b, j]
    return found


@whole
def solution(matrix, right):
    """x with matrix x = right, [n, n] and [n], by elimination with row exchanges; what is not finite where the matrix is singular."""
    a, x = matrix.copy(), right.copy()
    n = len(x)
    for k in range(n):
        pivot = k + np.argmax(np.abs(a[k:, k]))
        for j in range(k, n):
            a[k, j], a[pivot, j] = a[pivot, j], a[k, j]
        x[k], x[pivot] = x[pivot], x[k]
        for i in range(k + 1, n):
            ratio = a[i, k] / a[k, k]
            for j in range(k + 1, n):
                a[i, j] -= ratio * a[k, j]
            x[i] -= ratio * x[k]
    for k in range(n - 1, -1, -1):
        for j in range(k + 1, n):
            x[k] -= a[k, j] * x[j]
        x[k] /= a[k, k]
    return x

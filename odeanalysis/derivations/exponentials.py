"""Solutions of z' = M z with a constant matrix, from its eigenvalues by Newton's interpolation of the exponential.

    exp(M t) v = sum_k [exp(lambda_0 t), ..., exp(lambda_k t)] (M - lambda_{k-1}) ... (M - lambda_0) v

The divided differences of eigenvalues that are equal identically are derivatives, so a double eigenvalue needs no Jordan form; the
result is real where eigenvalues are pairs of conjugates.
"""

from collections.abc import Iterable
from typing import Any

import sympy as sp

from odeanalysis.symbolic.zero import is_zero

SIZE = 10
DISTINCT = 5
SYMBOLS = 4


def propagate(matrix: sp.Matrix, start: Iterable[Any], elapsed: Any) -> list[Any] | None:
    """exp(matrix * elapsed) @ start entry by entry; None where the eigenvalues have no simple closed form.

    matrix: constant, with real entries.  start: one real scalar for each row.  elapsed: a real scalar.
    """
    eigenvalues = spectrum(matrix) if matrix.rows <= SIZE else None
    if eigenvalues is None or len(set(eigenvalues)) > DISTINCT:
        return None
    vector, terms = sp.Matrix(list(start)), []
    for eigenvalue, weight in zip(eigenvalues, divided_differences(eigenvalues, elapsed), strict=True):
        terms.append(weight * vector)
        vector = (matrix * vector - eigenvalue * vector).applyfunc(sp.expand)
    total = sum(terms[1:], terms[0])
    return [_real(entry) for entry in total]


def divided_differences(eigenvalues: list[Any], elapsed: Any) -> list[Any]:
    """exp(x elapsed)[lambda_0, ..., lambda_k] for each k; equal eigenvalues stand side by side."""
    count = len(eigenvalues)
    row = [sp.exp(value * elapsed) for value in eigenvalues]
    found = [row[0]]
    for order in range(1, count):
        row = [_difference(eigenvalues, row, i, order, elapsed) for i in range(count - order)]
        found.append(row[0])
    return found


def _difference(eigenvalues: list[Any], row: list[Any], i: int, order: int, elapsed: Any) -> Any:
    first, last = eigenvalues[i], eigenvalues[i + order]
    if first == last:
        return elapsed**order * sp.exp(first * elapsed) / sp.factorial(order)
    return (row[i + 1] - row[i]) / (last - first)


def _real(entry: Any) -> Any:
    return sp.expand(entry, complex=True).as_real_imag()[0] if entry.has(sp.I) else entry


# ---------------------------------------------------------------- eigenvalues


def spectrum(matrix: sp.Matrix) -> list[Any] | None:
    """All eigenvalues, equal ones side by side and in one form; None where a factor of degree 3 or more does not split."""
    found: list[Any] = []
    for block in strong_components(matrix):
        values = _block_spectrum(matrix.extract(block, block))
        if values is None:
            return None
        for value in values:
            same = next((other for other in found if is_zero(other - value)), value)
            found.insert(found.index(same) if same in found else len(found), same)
    return found


def strong_components(matrix: sp.Matrix) -> list[list[int]]:
    """The rows that depend on each other in a circle: the blocks of the matrix's triangular form."""
    reach = [{i, *(j for j in range(matrix.rows) if matrix[i, j] != 0)} for i in range(matrix.rows)]
    for middle in range(matrix.rows):
        for row in reach:
            if middle in row:
                row |= reach[middle]
    blocks = {tuple(j for j in sorted(reach[i]) if i in reach[j]) for i in range(matrix.rows)}
    return [list(block) for block in sorted(blocks)]


def _block_spectrum(block: sp.Matrix) -> list[Any] | None:
    if block.rows == 1:
        return [block[0, 0]]
    if block.rows > 2 and len(block.free_symbols) > SYMBOLS:
        return None
    polynomial = block.charpoly("_eigenvalue")
    variable = polynomial.gen
    _, factors = sp.factor_list(sp.together(polynomial.as_expr()))
    found: list[Any] = []
    for factor, multiplicity in (pair for pair in factors if pair[0].has(variable)):
        roots = _roots(sp.Poly(factor, variable).all_coeffs())
        if roots is None:
            return None
        found += [root for root in roots for _ in range(multiplicity)]
    return found


def _roots(coefficients: list[Any]) -> list[Any] | None:
    if len(coefficients) == 2:
        return [-coefficients[1] / coefficients[0]]
    if len(coefficients) > 3:
        return None
    a, b, c = coefficients
    centre, spread = sp.cancel(-b / (2 * a)), square_root(sp.cancel((b / (2 * a)) ** 2 - c / a))
    return [centre + spread, centre - spread]


def square_root(value: Any) -> Any:
    """A root of a real expression, as q sqrt(r) with r free of squares; of a negative square I q. The sign of q is not fixed."""
    content, factors = sp.factor_list(value)
    outside, inside = sp.Integer(1), sp.Integer(1)
    for factor, multiplicity in factors:
        outside *= factor ** (multiplicity // 2)
        inside *= factor ** (multiplicity % 2)
    return outside * sp.sqrt(sp.expand(content * inside))

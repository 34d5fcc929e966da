"""Which tolerances a dtype can keep."""

import torch

from odeanalysis.errors import ModelError

# dtype -> rtol, atol: the defaults
TOLERANCES = {
    torch.float64: (1e-8, 1e-10),
    torch.float32: (1e-5, 1e-6),
    torch.bfloat16: (1e-2, 1e-2),
    torch.float16: (1e-2, 1e-3),
}
ROUNDINGS = 4  # an error estimate is made of so many rounded terms, at least


def tolerances(dtype: torch.dtype, rtol: float | None, atol: float | None) -> tuple[float, float]:
    """The tolerances of a solve in a dtype. Raises ModelError where the dtype cannot resolve an rtol, or is no floating-point one."""
    if dtype not in TOLERANCES:
        raise ModelError(f"states of dtype {dtype} cannot be solved for; give float64, float32, bfloat16 or float16")
    usual, small = TOLERANCES[dtype]
    least = ROUNDINGS * torch.finfo(dtype).eps
    if rtol is not None and 0 < rtol < least:
        raise ModelError(f"rtol = {rtol:g} is below what {dtype} resolves; give at least {least:.1e}, or solve in float64")
    return usual if rtol is None else rtol, small if atol is None else atol

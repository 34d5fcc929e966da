"""Checks, strategies and a pytest plugin for the suites of users.

Names are loaded when they are first used: the checks alone need no more than NumPy, and the plugin not even that.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "gradient": "assert_gradient GradientReport NotMeasurable",
    "slopes": "taylor_slopes Slopes",
    "products": "assert_adjoint_identity assert_products",
    "order": "assert_order Order",
    "properties": "assert_claim ClaimReport",
    "modules": "assert_batched assert_same assert_transposed load_module measurable names scaled solvable written_module",
    "written": "code read_model",
    "strategies.parts": "blocks expressions fields",
    "strategies.models": "models objectives problems",
    "strategies.values": "values_for depth_grids bases directions random_array",
}
_OWNERS = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = sorted(_OWNERS)


def __getattr__(name: str) -> Any:
    if name not in _OWNERS:
        raise AttributeError(f"module 'odeanalysis.testing' has no attribute {name!r}")
    value = getattr(import_module(f"odeanalysis.testing.{_OWNERS[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__

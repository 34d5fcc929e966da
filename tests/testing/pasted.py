"""Code that was printed, run with the names that it is said to need."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import odeanalysis as oda
from odeanalysis.testing import random_array, read_model

NAMES = {name: getattr(oda, name) for name in oda.__all__} | {
    "read_model": read_model, "random_array": random_array, "array": np.array, "nan": np.nan, "inf": np.inf, "replace": replace,
}  # fmt: skip


def run(code: str, **others: Any) -> Any:
    return eval(code, {**NAMES, **others})


def printed(test: Callable[[], None]) -> str:
    """What Hypothesis prints of a failing test: its call, with the arguments as code."""
    with pytest.raises(AssertionError) as failed:
        test()
    (call,) = (note for note in failed.value.__notes__ if "(" in note and "reproduce_failure" not in note)
    return call[call.index("(") :]

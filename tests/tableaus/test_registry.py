"""The list of methods, and how one is found in it."""

import subprocess
import sys
from pathlib import Path

import pytest

from odeanalysis.errors import ModelError
from odeanalysis.tableaus import METHODS, Tableau, tableau

EXPLICIT = ["euler", "midpoint", "heun2", "rk4", "rk4_38", "bosh3", "dopri5", "tsit5", "dopri8"]
LISTED = [*EXPLICIT, "radau", "rosenbrock23", "rodas5p", "kvaerno5"]
LAZY = """
import sys
import odeanalysis.tableaus as tableaus
loaded = [name for name in tableaus.METHODS if f"odeanalysis.tableaus.methods.{name}" in sys.modules]
assert not loaded and "numpy" not in sys.modules, loaded
"""


def test_methods_are_listed_in_order():
    assert list(METHODS) == LISTED
    assert len(METHODS) == len(LISTED)
    assert repr(METHODS) == f"METHODS({', '.join(LISTED)})"


@pytest.mark.parametrize("name", LISTED)
def test_a_method_is_found_by_its_name(name: str):
    method = tableau(name)
    assert isinstance(method, Tableau)
    assert method.name == name
    assert method is METHODS[name]


@pytest.mark.parametrize("name", ["rk45", "", "DOPRI5", "registry"])
def test_an_unknown_method_is_named_and_all_others_are_listed(name: str):
    assert name not in METHODS
    with pytest.raises(ModelError) as error:
        tableau(name)
    assert repr(name) in str(error.value)
    assert all(known in str(error.value) for known in LISTED)


def test_a_method_is_read_when_it_is_asked_for():
    subprocess.run([sys.executable, "-c", LAZY], check=True, cwd=Path(__file__).parents[2])

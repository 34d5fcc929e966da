"""Modules where the library is not: they run in processes that cannot import it, nor what it stands on."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import odeanalysis as oda
from odeanalysis.generation import generate
from tests.cases import CASES
from tests.generation.modules import TARGETS

# torch itself stands on SymPy
ABSENT = {"numpy": ("odeanalysis", "sympy", "scipy", "numba"), "torch": ("odeanalysis", "torchbridge", "scipy", "numba")}
HOW = {"method": "dopri5", "rtol": 1e-7, "atol": 1e-9}
PROGRAM = """
import json, sys
sys.modules.update(dict.fromkeys(sys.argv[2:]))
import written
value, gradient = written.value_and_gradient(json.load(sys.stdin), **json.loads(sys.argv[1]))
print(json.dumps([float(value), {name: one.tolist() for name, one in gradient.items()}]))
"""
# a Lotka-Volterra system, a network, piecewise constant and Fourier parameters, depths of their own, a conditional flow
NAMES = ("predator_prey", "network_batch", "stacked_on_the_unit_domain", "fourier_and_observations", "adaptive", "conditioned_volume")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", NAMES)
def test_modules_run_without_the_library(name, target, tmp_path: Path):
    """And give its value and gradient to 1e-12."""
    (tmp_path / "written.py").write_text(generate(CASES[name].problem(), target), encoding="utf-8")
    values = {key: np.array(value).tolist() for key, value in CASES[name].values().items()}
    command = [sys.executable, "-c", PROGRAM, json.dumps(HOW), *ABSENT[target]]
    done = subprocess.run(command, input=json.dumps(values), cwd=tmp_path, capture_output=True, text=True, check=True)
    value, gradient = json.loads(done.stdout)
    known = oda.value_and_gradient(CASES[name].problem(), values, **HOW)
    assert value == pytest.approx(known[0], rel=1e-12)
    for key, one in known[1].items():
        assert np.array(gradient[key]) == pytest.approx(one, rel=1e-12, abs=1e-12 * max(1.0, float(np.max(np.abs(one)))))

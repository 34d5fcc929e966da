"""The contract's examples through every command that takes a model and values."""

import json

import numpy as np
import pytest

from tests.cli.running import CONTRACT, Outcome, run

EXAMPLES = sorted(path.parent.name for path in CONTRACT.glob("*/model.toml"))
SENSITIVITIES = ["discrete", "adjoint", "forward", "backsolve", "differences"]
RELATIVE = 1e-6  # the reference was integrated in fixed steps and confirmed by central differences


def expected(name: str) -> dict:
    return json.loads((CONTRACT / name / "expected.json").read_text(encoding="utf-8"))


def gradient(name: str, *options: str) -> Outcome:
    return run("gradient", CONTRACT / name / "model.toml", CONTRACT / name / "values.json", "--json", *options)


def close(found, wanted) -> bool:
    """Equal to RELATIVE of the largest entry."""
    found, wanted = np.asarray(found, dtype=float), np.asarray(wanted, dtype=float)
    return found.shape == wanted.shape and bool(np.abs(found - wanted).max() <= RELATIVE * max(1.0, np.abs(wanted).max()))


def test_there_are_five_examples():
    assert len(EXAMPLES) == 5


@pytest.mark.parametrize("sensitivity", SENSITIVITIES)
@pytest.mark.parametrize("name", EXAMPLES)
def test_gradients_are_those_of_the_contract(name: str, sensitivity: str):
    outcome = gradient(name, "--sensitivity", sensitivity)
    assert outcome.code == 0 and outcome.err == ""
    wanted, found = expected(name), outcome.document
    assert found["status"] == "ok" and found["statistics"]["sensitivity"] == sensitivity
    assert close(found["value"], wanted["value"])
    wrong = [key for key, value in wanted["gradients"].items() if not close(found["gradients"][key], value)]
    assert not wrong, wrong


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_value_given_has_a_gradient_of_its_shape(name: str):
    values = json.loads((CONTRACT / name / "values.json").read_text(encoding="utf-8"))
    gradients = gradient(name).document["gradients"]
    assert {key: np.shape(value) for key, value in gradients.items()} == {key: np.shape(value) for key, value in values.items()}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_solve_ends_where_the_gradient_says(name: str):
    folder = CONTRACT / name
    outcome = run("solve", folder / "model.toml", folder / "values.json", "--points", "4", "--json")
    assert outcome.code == 0 and outcome.document["status"] == "ok"
    final = gradient(name).document["final"]
    for state, path in outcome.document["states"].items():
        path, end = np.asarray(path), np.asarray(final[state])
        batched = len(np.shape(outcome.document["depth"])) == 2 or outcome.document["statistics"]["batch"] is not None
        assert close(path[:, -1] if batched else path[-1], end)


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("form", ["text", "latex", "markdown", "html", "json"])
def test_every_derivation_prints_in_every_form(name: str, form: str):
    outcome = run("derive", CONTRACT / name / "model.toml", "--format", form)
    assert outcome.code == 0 and len(outcome.out) > 100 and outcome.err == ""

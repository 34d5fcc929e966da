"""What figures show: a curve and points for each datum that is compared, a legend, labelled axes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from odeanalysis.modeling.modelfile import loads, read
from odeanalysis.modeling.valuefile import read_values
from odeanalysis.numerics.fitting import fit
from odeanalysis.numerics.gradients.evaluate import solve_problem
from odeanalysis.reports import axes, fitted, trajectory

CONTRACT = Path(__file__).resolve().parent.parent / "contract"
# the prediction jumps with the depth, varies with a function of depth, and knows the depth itself
MODEL = """
name = "decay"
domain = [0, 2]
[state]
z = []
[parameters]
k = []
a = []
[inputs]
x = []
[field]
z = "-k*z"
[initial]
z = "x"
[objective]
[[objective.observations]]
at = [0.5, 1, 1.5]
data = { seen = [] }
cost = "(where(s < 1.2, 1, 3)*a*z + s - seen)**2"
[[transforms]]
kind = "galerkin"
parameters = ["a"]
basis = "monomial"
terms = 2
"""
AT = np.array([0.5, 1.0, 1.5])
X = np.array([1.0, 2.0])


def prediction(s: Any, k: float = 0.7, a: tuple[float, float] = (1.0, 0.25)) -> Any:
    """[2, M] for the two samples; at the break point the side of s0 counts."""
    return np.where(s <= 1.2, 1, 3) * (a[0] + a[1] * s) * X[:, None] * np.exp(-k * s) + s


def decay(data: np.ndarray) -> Any:
    return fitted.figure(fit(loads(MODEL), {"k": 0.5, "a": [0.9, 0.1], "x": X, "seen": data}))


def test_curves_run_through_data_that_the_model_made():
    data = prediction(AT)
    (axis,) = decay(data).axes
    curves, points = axis.lines[0::2], axis.lines[1::2]
    for b in range(2):
        depth, values = curves[b].get_data()
        assert len(depth) == axes.SMOOTH
        assert np.allclose(values, prediction(depth)[b], atol=1e-5)
        assert np.array_equal(points[b].get_data()[1], data[b])


def test_missing_data_are_no_points():
    data = prediction(AT)
    data[0, 1] = np.nan
    (axis,) = decay(data).axes
    assert np.isnan(axis.lines[1].get_ydata()[1])


def test_everything_is_labelled():
    (axis,) = decay(prediction(AT)).axes
    assert axis.get_xlabel() == "s" and axis.get_title(loc="left") == "decay: data and fit"
    assert axis.get_ylabel() == "seen"
    labels = [text.get_text() for text in axis.get_legend().get_texts()]
    assert len(labels) == 2 and labels[0].endswith(", fitted") and labels[1] == "seen"


def test_a_fit_without_comparisons_shows_the_trajectory():
    folder = CONTRACT / "closed_form"
    found = fitted.figure(fit(read(folder / "model.toml"), read_values(folder / "values.json"), ["z0"]))
    assert "fitted trajectory" in found.axes[0].get_title(loc="left")


def test_scalar_states_share_a_panel_and_others_have_their_own():
    text = MODEL.replace("z = []", "z = []\ny = []\nu = [2]").replace("[initial]", 'y = "z"\nu = "-u"\n[initial]')
    text = text.replace('z = "x"', 'z = "x"\ny = "0"\nu = "x*ones(2)"')
    run = solve_problem(loads(text), {"k": 0.5, "a": [1, 0], "x": 1.0, "seen": AT})
    panels = trajectory.figure(run).axes
    assert [axis.get_ylabel() for axis in panels] == ["z, y", "u"]
    assert [len(axis.lines) for axis in panels] == [2, 2]


@pytest.mark.parametrize(("batch", "words"), [(8, "decay"), (9, "decay (the first 8 of 9 samples)")])
def test_a_large_batch_is_drawn_in_part(batch: int, words: str):
    run = solve_problem(loads(MODEL), {"k": 0.5, "a": [1, 0], "x": np.ones(batch), "seen": AT})
    (axis,) = trajectory.figure(run).axes
    assert axis.get_title(loc="left") == words and len(axis.lines) == 8

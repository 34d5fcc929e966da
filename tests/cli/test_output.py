"""What commands print for people and for programs."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from odeanalysis.cli.output import array, plain, plain_table, to_json, write_table
from tests.cli.running import CONTRACT, GROWTH, files, run

CLOSED = CONTRACT / "closed_form"
NETWORK = CONTRACT / "network_batch"
SIGNED = CONTRACT / "signed_depth"


def test_json_keeps_shapes_and_holds_no_nan():
    document = {"a": np.array([[1.0, np.nan]]), "b": np.float64(np.inf), "c": np.zeros((0, 2)), "d": (1, True, None)}
    assert json.loads(to_json(document)) == {"a": [[1.0, None]], "b": None, "c": [], "d": [1, True, None]}
    assert plain(np.int64(3)) == 3


def test_numbers_lose_no_digit_in_json():
    value = 0.1 + 0.2
    assert json.loads(to_json({"x": value})) == {"x": value}


def test_long_arrays_are_shortened_for_people():
    assert "..." in array(np.arange(1000.0)) and array(1.5) == "1.5"


TABLE = ["", "estimate", "standard error"], [["alpha", "0.5", "-"], ["sigma_hare", "0.25000", "0.1"]]


def test_a_table_is_as_wide_as_its_cells(capsys: pytest.CaptureFixture[str]):
    write_table(*TABLE, title="a fit")
    assert capsys.readouterr().out.splitlines() == [
        "a fit",
        "             estimate   standard error",
        "alpha             0.5                -",
        "sigma_hare    0.25000              0.1",
    ]
    write_table(["", ""], [["x", "1"]])
    assert capsys.readouterr().out == "x   1\n"
    write_table(["s", "z"], [])
    assert capsys.readouterr().out == "s   z\n"


@pytest.mark.parametrize(("columns", "lines"), [(80, 4), (20, 9)])
def test_a_terminal_that_is_too_narrow_folds_a_table(columns: int, lines: int, capsys: pytest.CaptureFixture[str], monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    write_table(*TABLE, title="a fit")
    drawn = re.sub(r"\x1b\[\d*m", "", capsys.readouterr().out)
    shown = [line.rstrip() for line in drawn.splitlines()]
    assert len(shown) == lines and max(map(len, shown)) <= columns
    assert columns < 80 or shown == plain_table(*TABLE, title="a fit")


def test_the_gradient_for_people_is_the_readmes():
    outcome = run("gradient", CLOSED / "model.toml", CLOSED / "values.json")
    lines = dict(line.split() for line in outcome.out.splitlines())
    assert set(lines) == {"value", "theta", "z0"} and lines["value"] == "0.668193674"


def test_only_the_wanted_gradients_are_given():
    outcome = run("gradient", NETWORK / "model.toml", NETWORK / "values.json", "--wrt", "b, x", "--json")
    assert list(outcome.document["gradients"]) == ["b", "x"]


def test_the_sum_over_a_batch_is_its_size_times_the_mean():
    arguments = ("gradient", NETWORK / "model.toml", NETWORK / "values.json", "--json", "--reduction")
    mean, total = (run(*arguments, reduction).document for reduction in ("mean", "sum"))
    assert total["value"] == pytest.approx(3 * mean["value"], rel=1e-12)
    assert np.allclose(total["gradients"]["W"], 3 * np.array(mean["gradients"]["W"]), rtol=1e-12)


def test_steps_are_counted():
    outcome = run("gradient", CLOSED / "model.toml", CLOSED / "values.json", "--method", "rk4", "--steps", "7", "--json")
    assert outcome.document["statistics"]["steps"] == 7 and outcome.document["statistics"]["method"] == "rk4"


def test_the_solve_of_a_batch_has_an_axis_for_samples():
    document = run("solve", NETWORK / "model.toml", NETWORK / "values.json", "--points", "5", "--json").document
    assert np.shape(document["depth"]) == (5,) and np.shape(document["states"]["z"]) == (3, 5, 2)


def test_samples_with_domains_of_their_own_have_depths_of_their_own():
    document = run("solve", SIGNED / "model.toml", SIGNED / "values.json", "--points", "3", "--json").document
    assert np.allclose(document["depth"], [[0, 0.68, 1.36], [0, -0.425, -0.85]])
    # z = x + c s with c = -1.1
    assert np.allclose(document["states"]["z"], np.array([[0.8], [-0.5]]) - 1.1 * np.array(document["depth"]), atol=1e-9)


def test_a_solve_is_accurate_between_steps():
    document = run("solve", CLOSED / "model.toml", CLOSED / "values.json", "--at", "0,0.3,1.07,1.5", "--json").document
    assert np.allclose(document["states"]["z"], 1.2 * np.exp(0.4 * np.array(document["depth"])), rtol=1e-8)


def test_the_table_of_a_solve_has_a_column_for_each_component():
    outcome = run("solve", NETWORK / "model.toml", NETWORK / "values.json", "--points", "2")
    assert outcome.code == 0 and outcome.out.count("sample ") == 3
    assert "z[0]" in outcome.out and "z[1]" in outcome.out and "..." not in outcome.out


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
@pytest.mark.parametrize("folder", [CLOSED, NETWORK, SIGNED], ids=lambda path: path.name)
def test_trajectories_are_drawn(tmp_path: Path, folder: Path, ending: str):
    plot = tmp_path / f"path.{ending}"
    outcome = run("solve", folder / "model.toml", folder / "values.json", "--plot", plot)
    assert outcome.code == 0 and plot.stat().st_size > 2_000


def test_a_plot_without_matplotlib_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("odeanalysis.cli.extras.find_spec", lambda name: None)
    outcome = run("solve", CLOSED / "model.toml", CLOSED / "values.json", "--plot", tmp_path / "x.png")
    assert outcome.code == 2 and "odeanalysis[report]" in outcome.err


def test_torch_without_torch_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("odeanalysis.cli.backends.find_spec", lambda name: None)
    outcome = run("gradient", CLOSED / "model.toml", CLOSED / "values.json", "--backend", "torch")
    assert outcome.code == 2 and "odeanalysis[torch]" in outcome.err


def test_warnings_are_one_line_on_standard_error(tmp_path: Path):
    backward = GROWTH.replace("[0, 1.5]", "[1.5, 0]")
    model, values = files(tmp_path, backward)
    outcome = run("gradient", model, values, "--json")
    assert outcome.code == 0 and outcome.document["status"] == "ok"
    assert "Traceback" not in outcome.err and ".py" not in outcome.err

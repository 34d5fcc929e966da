"""The training examples run, learn something in a few steps, and do the same again."""

import importlib.util
import sys

import pytest

from tests.cli.running import ROOT


def printed(name: str, capsys, monkeypatch, *options: str) -> list[str]:
    spec = importlib.util.spec_from_file_location(f"example_{name}", ROOT / "examples" / name / "train.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(sys, "argv", ["train.py", *options])
    module.main()
    return capsys.readouterr().out.splitlines()


WITH_LIGHTNING = pytest.mark.xdist_group("training")  # one worker imports it
LEARNING = [("two_moons", 40, 80), ("images", 60, 80), pytest.param("rings", 90, 80, marks=WITH_LIGHTNING)]


@pytest.mark.parametrize(("name", "steps", "least"), LEARNING)
def test_an_example_learns(name, steps, least, capsys, monkeypatch):
    """From the accuracy of a coin; the whole run is longer."""
    lines = printed(name, capsys, monkeypatch, "--steps", str(steps))
    assert float(lines[-1].split()[-2]) > least


def test_the_same_seed_gives_the_same_losses(capsys, monkeypatch):
    first, second = (printed("images", capsys, monkeypatch, "--steps", "2") for _ in range(2))
    assert first == second != printed("images", capsys, monkeypatch, "--steps", "2", "--seed", "1")

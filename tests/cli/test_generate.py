"""`generate`: modules and sections of papers, on the screen or in files, and whether a file is up to date."""

from pathlib import Path

import numpy as np
import pytest

from tests.cli.running import GROWTH, LYNX_HARE, files, run
from tests.generation.modules import load


def test_a_module_is_printed_or_written(tmp_path: Path):
    model, _ = files(tmp_path, GROWTH)
    printed = run("generate", model)
    assert printed.code == 0
    value, gradient = load(printed.out).value_and_gradient({"theta": 0.4, "z0": 1.2})
    assert value == pytest.approx(0.4 * 1.2**2 * np.expm1(2 * 0.4 * 1.5) / 2) and gradient["theta"] == pytest.approx(4.539065, abs=1e-5)
    output = tmp_path / "module.py"
    outcome = run("generate", model, "--target", "numpy", "-o", output)
    assert outcome.code == 0 and outcome.out == "" and output.read_text(encoding="utf-8") == printed.out


@pytest.mark.parametrize("target", ["numpy", "torch", "latex", "markdown"])
def test_files_are_checked(tmp_path: Path, target: str):
    output = tmp_path / "written"
    assert run("generate", LYNX_HARE / "model.toml", "--target", target, "-o", output).code == 0
    checked = run("generate", LYNX_HARE / "model.toml", "--target", target, "--check", output)
    assert (checked.code, checked.out) == (0, "") and f"{output} is up to date" in checked.err
    output.write_text(output.read_text(encoding="utf-8").replace("alpha", "beta", 1), encoding="utf-8")
    stale = run("generate", LYNX_HARE / "model.toml", "--target", target, "--check", output)
    assert stale.code == 1 and f"error: {output} is not up to date: line " in stale.err and "generate it again" in stale.err


def test_sections_say_what_they_need():
    section = run("generate", LYNX_HARE / "model.toml", "--target", "latex")
    assert section.out.startswith("% a section: needs \\usepackage{amsmath,amssymb}\n\\section*{")
    assert run("generate", LYNX_HARE / "model.toml", "--target", "markdown").out.startswith("# predator_prey")


WRONG = {
    "two roles": (("-o", "a", "--check", "b"), "-o writes a file and --check compares one; give one or the other"),
    "target": (("--target", "fortran"), "--target 'fortran': use one of numpy, torch, latex, markdown"),
    "no folder": (("-o", "nowhere/a.py"), "nowhere/a.py: no such file or directory"),
    "no file": (("--check", "nowhere/a.py"), "nowhere/a.py: no such file or directory; give the path of a generated file"),
}


@pytest.mark.parametrize(("arguments", "message"), WRONG.values(), ids=WRONG)
def test_wrong_arguments(arguments, message, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    outcome = run("generate", LYNX_HARE / "model.toml", *arguments)
    assert outcome.code == 2 and message in outcome.err and outcome.out == ""


def test_the_model_file_is_not_replaced(tmp_path: Path):
    model, _ = files(tmp_path, GROWTH)
    outcome = run("generate", model, "-o", model)
    assert outcome.code == 2 and "-o would replace the model file" in outcome.err

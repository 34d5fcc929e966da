"""`test`: test files, on the screen or in a file, that find the model and the module from where they stand."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.running import GROWTH, files, run


def test_a_test_file_passes_under_pytest(tmp_path: Path):
    model, _ = files(tmp_path, GROWTH)
    folder = tmp_path / "tests"
    folder.mkdir()
    module, output = tmp_path / "gradient.py", folder / "test_growth.py"
    assert run("generate", model, "-o", module).code == 0
    outcome = run("test", model, "--module", module, "-o", output)
    assert (outcome.code, outcome.out) == (0, "")
    text = output.read_text(encoding="utf-8")
    assert f'oda.read(HERE / "../{model.name}")' in text and 'load_module(HERE / "../gradient.py")' in text
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0", str(output)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and "16 passed" in done.stdout, done.stdout


def test_a_test_file_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    model, _ = files(tmp_path, GROWTH)
    monkeypatch.chdir(tmp_path)
    outcome = run("test", model)
    assert outcome.code == 0 and f'oda.read(HERE / "{model.name}")' in outcome.out and "written_module(PROBLEM)" in outcome.out


def test_a_place_that_is_not_there(tmp_path: Path):
    model, _ = files(tmp_path, GROWTH)
    outcome = run("test", model, "-o", tmp_path / "nowhere" / "test_growth.py")
    assert outcome.code == 2 and "no such file or directory" in outcome.err


def test_what_is_there_is_left_alone(tmp_path: Path):
    model, _ = files(tmp_path, GROWTH)
    output = tmp_path / "test_growth.py"
    output.write_text("mine", encoding="utf-8")
    refused = run("test", model, "-o", output)
    assert refused.code == 2 and "is there already" in refused.err and output.read_text(encoding="utf-8") == "mine"
    assert run("test", model, "-o", output, "--force").code == 0 and "oda.read" in output.read_text(encoding="utf-8")
    missing = run("test", model, "--module", tmp_path / "missing.py")
    assert missing.code == 2 and "missing.py: there is no such file; write it with `odeanalysis generate" in missing.err

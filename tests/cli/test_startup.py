"""The command line starts without what it does not need, and ends as a process should."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from odeanalysis.cli import progress as shown
from tests.cli.running import CONTRACT, ROOT, run, without_progress

HEAVY = ("sympy", "numpy", "scipy", "numba", "hypothesis", "matplotlib")
MODEL = CONTRACT / "closed_form" / "model.toml"
COMMANDS = ("derive", "solve", "gradient", "fit", "check", "verify")


def process(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], *([command, "--help"] for command in COMMANDS)])
def test_help_imports_nothing_heavy(arguments: list[str]):
    script = f"""
import sys
sys.argv = ["odeanalysis", *{arguments!r}]
from odeanalysis.cli.main import main
try:
    main()
except SystemExit as end:
    heavy = [name for name in {HEAVY!r} if name in sys.modules]
    sys.exit(f"imported {{heavy}}" if heavy else end.code)
"""
    found = process("-c", script)
    assert found.returncode == 0, found.stderr
    assert "odeanalysis" in found.stdout


def test_help_lists_the_commands():
    assert not [command for command in COMMANDS if command not in run("--help").out]


def test_the_package_runs_as_a_module():
    found = process("-m", "odeanalysis", "gradient", MODEL, MODEL.parent / "values.json", "--json")
    assert found.returncode == 0 and without_progress(found.stderr) == ""
    assert found.stdout.startswith('{"value": 0.66819')


def test_a_missing_file_ends_the_process_with_2_and_no_traceback():
    found = process("-m", "odeanalysis", "derive", "no/such/file.toml")
    assert found.returncode == 2 and found.stdout == ""
    assert "no/such/file.toml" in found.stderr and "Traceback" not in found.stderr


def test_a_closed_pipe_is_no_error():
    command = f"{sys.executable} -m odeanalysis derive {MODEL} | head -1"
    found = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert "Traceback" not in found.stderr and len(found.stdout.splitlines()) == 1


def test_an_interrupt_ends_with_130():
    script = """
import signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a run in the background inherits that it is ignored
from odeanalysis.cli import gradient, main
gradient.chosen = lambda name: (print(flush=True), time.sleep(60))
main.main()
"""
    command = [sys.executable, "-c", script, "gradient", str(MODEL), str(MODEL.parent / "values.json")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        started.stdout.readline()
        os.kill(started.pid, signal.SIGINT)
        _, errors = started.communicate(timeout=60)
    assert started.returncode == 130 and without_progress(errors) == "error: interrupted\n"


def test_progress_shows_only_after_a_while(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shown, "QUIET", 0.2)
    with shown.progress("quick"):
        pass
    assert capsys.readouterr().err == ""
    with shown.progress("slow") as line:
        line.update("half way")
        time.sleep(0.5)
    said = capsys.readouterr()
    assert said.err.startswith("slow ...") and "half way" in said.err and said.out == ""

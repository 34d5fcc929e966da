"""The command line starts without what it does not need, and ends as a process should."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from odeanalysis.cli import progress as shown
from odeanalysis.numerics.solvers.listening import Reached
from tests.cli.running import CONTRACT, GROWTH, ROOT, files, run, without_progress

HEAVY = ("sympy", "numpy", "scipy", "numba", "hypothesis", "matplotlib")
MODEL = CONTRACT / "closed_form" / "model.toml"
COMMANDS = ("derive", "solve", "gradient", "fit", "check", "generate", "verify", "import")


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


def test_progress_says_how_far_a_solve_is_and_what_to_try():
    line = shown.Progress("solve")
    line.reach(Reached(0.25, 40.0, 5000))
    assert line.line == "solve ... 0 s, depth 0.25 of 40, 5000 steps"
    line.reach(Reached(0.25, 40.0, 5000, stiff=True))
    assert line.line.endswith("5000 steps; it looks stiff: try radau, kvaerno5 or rodas5p")
    line.reach(Reached(0.25, 0.0, 5000, backward=True))
    assert line.line == "solve ... 0 s, backward sweep at depth 0.25 on its way to 0, 5000 steps"
    line.reach(Reached(40.0, 40.0, 9000))
    assert line.line == "solve ... 0 s"
    line.update("iteration 3")
    assert line.line == "solve ... 0 s, iteration 3"


@pytest.mark.parametrize("command", ["solve", "gradient", "fit"])
def test_commands_tell_how_far_their_solves_are(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Both ends are heard of: a gradient goes back to the start."""
    heard: list[Reached] = []
    monkeypatch.setattr(shown.Progress, "reach", lambda self, reached: heard.append(reached))
    model, values = files(tmp_path, GROWTH.replace("**2*z**2", "**2*(z - 2)**2"))
    run(command, model, values)
    assert {(one.end, one.backward) for one in heard} == ({(1.5, False)} if command == "solve" else {(1.5, False), (0.0, True)})
    assert [one.depth for one in heard if one.depth == one.end]


@pytest.mark.parametrize("way", ["discrete", "adjoint", "backsolve", "forward"])
def test_a_backward_sweep_is_told_as_one(way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What heads for the start is a backward sweep, what heads for the end is none; forward sensitivities have none at all."""
    heard: list[Reached] = []
    monkeypatch.setattr(shown.Progress, "reach", lambda self, reached: heard.append(reached))
    run("gradient", *files(tmp_path, GROWTH), "--sensitivity", way)
    assert {(one.end, one.backward) for one in heard} == ({(1.5, False)} if way == "forward" else {(1.5, False), (0.0, True)})


@pytest.mark.parametrize("method", ["tsit5", "RK45"])
def test_a_problem_too_stiff_for_its_method_is_refused_with_methods_to_try(method: str, tmp_path: Path):
    """z' = -1e6 (z - cos s): about 300 000 steps at the limit of stability, 60 with rodas5p."""
    model, values = files(tmp_path, GROWTH.replace('"theta*z"', '"-1000000*(z - cos(s))"'), '{"theta": 1, "z0": 1}')
    failed = run("solve", model, values, "--method", method, "--max-steps", "600")
    assert failed.code == 1 and failed.out == "" and "looks stiff" in failed.err and "rodas5p" in failed.err
    assert run("solve", model, values, "--method", "rodas5p", "--max-steps", "600").code == 0

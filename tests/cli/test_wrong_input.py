"""Wrong input ends with exit code 2 and one message that names the place; a failed solve with 1 and where it failed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from odeanalysis.cli.main import app
from tests.cli.running import GROWTH, GROWTH_VALUES, files, run

Change = Callable[[str], str]


def swap(old: str, new: str) -> Change:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return change


def field(expression: str) -> Change:
    return swap('z = "theta*z"', f'z = "{expression}"')


NETWORK = """
domain = [0, 1]
[state]
z = [2]
[parameters]
W = [2, 3]
[inputs]
x = [2]
y = []
[field]
z = "W @ z"
[initial]
z = "x"
[objective]
terminal = "sumsq(z) + y"
"""
OBSERVED = swap(
    'running = "theta**2*z**2"',
    '[[objective.observations]]\nat = [0.5, 2.5]\ndata = { seen = [] }\ncost = "(z - seen)**2"',
)

# what is wrong with the model: how it is changed, and the words that the message must hold
MODELS: dict[str, tuple[Change, tuple[str, ...]]] = {
    "unknown name": (field("thetta*z"), ("thetta", "field")),
    "unknown function": (field("sine(z)"), ("sine", "field")),
    "unknown key": (swap("domain =", "domian ="), ("domian",)),
    "wrong operands": (lambda _: NETWORK, ("(2, 3)", "(2,)", "W", "z")),
    "attribute": (field("z.real"), ("real",)),
    "import": (field("__import__('os')"), ("__import__",)),
    "lambda": (field("(lambda: z)()"), ("lambda",)),
    "comprehension": (field("[z for z in z]"), ("field",)),
    "string": (field("z + 'a'"), ("field",)),
    "very deep": (field("(" * 3000 + "z" + ")" * 3000), ("field",)),
    "very long": (field("z + " * 200_000 + "z"), ("field",)),
    "huge power": (field("z**99999999999"), ("field",)),
    "no entries in any state": (swap("z = []", "z = [0]"), ("no entries", "'z' of shape (0,)", "without 0")),
    "missing equation": (swap('[field]\nz = "theta*z"', "[field]"), ("field", "z")),
    "missing initial value": (swap('[initial]\nz = "z0"', "[initial]"), ("initial", "z")),
    "duplicate name": (swap("z0 = []", "z0 = []\n[inputs]\ntheta = []"), ("theta",)),
    "reserved name": (swap("theta = []", "lambda = []"), ("lambda",)),
    "malformed TOML": (swap("[state]", "[state"), ("line 3",)),
    "state condition that jumps": (field("where(z > 1, z, theta)"), ("where",)),
}
VALUES: dict[str, tuple[str, tuple[str, ...]]] = {
    "missing": ('{"theta": 0.4}', ("z0",)),
    "unknown": ('{"theta": 0.4, "z0": 1, "zeta": 2}', ("zeta",)),
    "wrong shape": ('{"theta": [[0.4]], "z0": 1}', ("theta", "(1, 1)")),
    "ragged": ('{"theta": [[1, 2], [3]], "z0": 1}', ("theta",)),
    "NaN": ('{"theta": NaN, "z0": 1}', ("NaN", "line 1, column 11")),
    "null": ('{"theta": null, "z0": 1}', ("theta",)),
    "infinite": ('{"theta": 1e999, "z0": 1}', ("theta",)),
    "text": ('{"theta": "0.4", "z0": 1}', ("theta",)),
    "batch lengths": ('{"theta": [1, 2, 3], "z0": [1, 2]}', ("theta", "z0", "3", "2")),
    "malformed JSON": ('{"theta": 0.4,\n "z0" 1}', ("line 2",)),
    "no object": ("[1, 2]", ("object",)),
    "duplicate": ('{"theta": 0.4, "theta": 0.5, "z0": 1}', ("theta",)),
}
OPTIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "steps and tolerance": (("gradient", "--steps", "9", "--rtol", "1e-3"), ("--steps", "--rtol")),
    "no steps": (("gradient", "--steps", "0"), ("steps",)),
    "no steps to try": (("solve", "--max-steps", "0"), ("max_steps",)),
    "negative tolerance": (("gradient", "--rtol", "-1"), ("rtol",)),
    "unknown method": (("gradient", "--method", "rk5"), ("rk5", "tsit5", "BDF")),
    "mistyped method": (("gradient", "--method", "tsti5"), ("did you mean 'tsit5'?", "rodas5p")),
    "fixed method without steps": (("gradient", "--method", "rk4"), ("rk4", "steps")),
    "unknown wrt": (("gradient", "--wrt", "thetta"), ("thetta", "theta")),
    "empty wrt": (("gradient", "--wrt", ","), ("names",)),
    "unknown sensitivity": (("gradient", "--sensitivity", "magic"), ("magic",)),
    "unknown backend": (("gradient", "--backend", "cuda"), ("cuda", "numpy")),
    "fused backend": (("gradient", "--backend", "fused"), ("fused", "numpy")),
    "depth outside": (("solve", "--at", "9"), ("9", "1.5")),
    "depth nan": (("solve", "--at", "0,nan"), ("nan, which is not a number",)),
    "depth infinite": (("solve", "--at", "0,inf"), ("depth inf", "1.5")),
    "depth no number": (("solve", "--at", "a,b"), ("'a'",)),
    "at and points": (("solve", "--at", "1", "--points", "3"), ("--at", "--points")),
    "no points": (("solve", "--points", "0"), ("--points",)),
    "plot format": (("solve", "--plot", "x.xyz"), ("x.xyz", "png")),
    "plot folder": (("solve", "--plot", "no/such/folder/x.png"), ("no/such/folder",)),
    "unknown free": (("fit", "--free", "thetta"), ("thetta", "theta")),
    "SciPy's steps in a fit": (("fit", "--method", "BDF"), ("BDF",)),
}

# command lines that are wrong before any file is read, and all that is said
NAMES = [command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands]
SENSITIVITIES = "discrete, adjoint, forward, backsolve, differences"
COMMAND_LINES = {
    "gradient m v --steps 1.5": "--steps 1.5: give a whole number",
    "check m v --seed x": "--seed x: give a whole number",
    "solve m v --rtol tight": "--rtol tight: give a number, as in 1e-6",
    "gradient m v --sensitivity adj": f"--sensitivity 'adj': did you mean 'adjoint'? use one of {SENSITIVITIES}",
    "gradient m v --reduction max": "--reduction 'max': use one of mean, sum",
    "derive m --format htm": "--format 'htm': did you mean 'html'? use one of text, latex, markdown, html, json",
    "derive m --fromat html": "there is no option '--fromat'; did you mean '--format'? use one of --format",
    "gradient m": "missing argument 'VALUES'; the option -h shows what there is",
    "gradient m v --steps": "option '--steps' requires an argument; the option -h shows what there is",
    "gradient m v w": "got unexpected extra argument(s) (w); the option -h shows what there is",
    "--versoin": "there is no option '--versoin'; did you mean '--version'? use one of --version",
    "slove m v": f"there is no command 'slove'; did you mean 'solve'? use one of {', '.join(NAMES)}",
}


def refused(folder: Path, model: str, values: str, words: tuple[str, ...], command: tuple[str, ...] = ("gradient",)) -> None:
    stated, given = files(folder, model, values)
    outcome = run(command[0], stated, given, *command[1:])
    assert outcome.code == 2, outcome
    assert outcome.out == "" and "Traceback" not in outcome.err
    assert sum(line.lower().startswith("error: ") for line in outcome.err.splitlines()) == 1
    assert not [word for word in words if word not in outcome.err], outcome.err
    assert len(outcome.err) < 2000


@pytest.mark.parametrize("name", MODELS)
def test_a_wrong_model_is_refused(tmp_path: Path, name: str):
    change, words = MODELS[name]
    refused(tmp_path, change(GROWTH), GROWTH_VALUES, words)


@pytest.mark.parametrize("name", VALUES)
def test_wrong_values_are_refused(tmp_path: Path, name: str):
    values, words = VALUES[name]
    refused(tmp_path, GROWTH, values, words)


@pytest.mark.parametrize("name", OPTIONS)
def test_wrong_options_are_refused(tmp_path: Path, name: str):
    command, words = OPTIONS[name]
    refused(tmp_path, GROWTH, GROWTH_VALUES, words, command)


@pytest.mark.parametrize("domain", ["[0, 1.5]", '[0, "z0 + 0.5"]'], ids=["numbers", "values"])
@pytest.mark.parametrize("at", ["0,2", "nan"])
def test_depths_that_are_not_on_the_path_are_refused_before_the_solve(tmp_path: Path, domain: str, at: str):
    """The solve would need more than one step, and fail."""
    model = GROWTH.replace("[0, 1.5]", domain)
    assert domain in model
    stated, given = files(tmp_path, model, GROWTH_VALUES)
    assert run("solve", stated, given, "--at", "0,1", "--max-steps", "1").code == 1
    refused(tmp_path, model, GROWTH_VALUES, (at.split(",")[-1],), ("solve", "--at", at, "--max-steps", "1"))


@pytest.mark.parametrize("line", COMMAND_LINES)
def test_a_wrong_command_line_is_refused_in_one_line(line: str):
    outcome = run(*line.split())
    assert outcome.code == 2 and outcome.out == ""
    assert outcome.err == f"error: {COMMAND_LINES[line]}\n"


def test_a_command_line_without_arguments_asks_for_help():
    outcome = run()
    assert "Usage: odeanalysis" in outcome.out + outcome.err and "error:" not in outcome.err


def test_an_observation_outside_the_domain_is_refused(tmp_path: Path):
    refused(tmp_path, OBSERVED(GROWTH), '{"theta": 0.4, "z0": 1, "seen": [1, 2]}', ("2.5", "[0.0, 1.5]"))


@pytest.mark.parametrize("command", [("derive",), ("solve",), ("gradient",), ("fit",), ("check",)])
def test_a_missing_file_is_refused_by_every_command(tmp_path: Path, command: tuple[str]):
    _, values = files(tmp_path)
    outcome = run(*command, tmp_path / "none.toml", *([] if command == ("derive",) else [values]))
    assert outcome.code == 2 and outcome.out == "" and "none.toml" in outcome.err


def test_a_folder_is_no_file(tmp_path: Path):
    model, values = files(tmp_path)
    assert run("gradient", tmp_path, values).code == run("gradient", model, tmp_path).code == 2


def test_bytes_that_are_no_text_are_refused(tmp_path: Path):
    model, values = files(tmp_path)
    model.write_bytes(b"\xff\xfe\x00z")
    assert run("gradient", model, values).code == 2
    model.write_text(GROWTH, encoding="utf-8")
    values.write_bytes(b"\xff\xfe\x00z")
    assert run("gradient", model, values).code == 2


# z' = ..., and the words that say where it failed
FAILURES = {
    "blow-up": ("theta*z**2", '{"theta": 1, "z0": 1}', ("z' =", "1.0")),
    "overflow": ("exp(z)**z", '{"theta": 1, "z0": 30}', ("z' =",)),
    "vanishing step": ("1/(1 - s)**2 + 0*theta*z", '{"theta": 1, "z0": 0}', ("z' =",)),
    "no number": ("log(z)", '{"theta": 1, "z0": -1}', ("z' =",)),
}


@pytest.mark.parametrize("command", ["solve", "gradient", "fit"])
@pytest.mark.parametrize("name", FAILURES)
def test_a_failed_solve_says_where(tmp_path: Path, name: str, command: str):
    expression, values, words = FAILURES[name]
    stated = swap("running", "terminal")(field(expression)(GROWTH))
    model, given = files(tmp_path, stated, values)
    outcome = run(command, model, given, "--json")
    assert outcome.code == 1 and outcome.out == "" and outcome.err.count("error") == 1
    assert not [word for word in words if word not in outcome.err], outcome.err


def test_a_value_that_is_not_finite_fails(tmp_path: Path):
    model, given = files(tmp_path, swap("theta**2*z**2", "0*z")(GROWTH) + 'terminal = "log(-z)"\n', GROWTH_VALUES)
    outcome = run("gradient", model, given, "--json")
    assert outcome.code == 1 and outcome.out == ""

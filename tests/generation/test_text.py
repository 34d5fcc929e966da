"""The text of modules: always the same, formatted as `ruff format` does, documented, and in need of one package."""

import ast
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

import odeanalysis as oda
from odeanalysis.generation import generate
from odeanalysis.generation.comparing import difference
from odeanalysis.generation.formatting import WIDTH, formatted, table
from odeanalysis.generation.module import WRITTEN
from odeanalysis.generation.suite import Files, suite
from odeanalysis.symbolic.calculus.reverse import vjp
from odeanalysis.targets import numpy_, torch_
from tests.cases import CASES
from tests.generation.modules import NAMES, TARGETS, load
from tests.targets.formulas import formulas

PROGRAMS = {"numpy": numpy_.program, "torch": torch_.program}
IMPORTED = {"math", "collections.abc", "itertools", "typing"}


def ruff(*arguments: object, text: str | None = None) -> str:
    """What ruff prints, with its own defaults, in a folder where this project is a package among others."""
    command, folder = [sys.executable, "-m", "ruff", *map(str, arguments)], Path(sys.executable).parent
    return subprocess.run(command, input=text, cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the modules of all cases."""
    folder = tmp_path_factory.mktemp("modules")
    for target in TARGETS:
        for name in NAMES:
            (folder / f"{name}_{target}.py").write_text(generate(CASES[name].problem(), target), encoding="utf-8")
    return folder


@pytest.mark.xdist_group("written")
def test_formatters_and_linters_have_nothing_to_say(written: Path):
    assert "already formatted" in ruff("format", "--isolated", "--check", written)
    assert "All checks passed" in ruff("check", "--isolated", "--no-cache", written)


@pytest.mark.xdist_group("written")
def test_modules_import_one_package_and_document_every_function(written: Path):
    for file in written.iterdir():
        tree = ast.parse(file.read_text(encoding="utf-8"))
        imports = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
        modules = {
            name for node in imports for name in ([one.name for one in node.names] if isinstance(node, ast.Import) else [node.module])
        }
        assert modules <= {*IMPORTED, file.stem.rsplit("_", 1)[1]}
        public = [node for node in tree.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]
        assert all(ast.get_docstring(node) for node in public) and {"field", "costate", "value_and_gradient"} <= {
            one.name for one in public
        }
        assert all(len(line) <= WIDTH for line in file.read_text(encoding="utf-8").split("\n"))


@pytest.mark.parametrize("target", TARGETS)
@given(drawn=formulas())
@settings(max_examples=40, deadline=None)
def test_any_printed_function_is_formatted(target, drawn):
    """Its transpose too, whose expressions are longer; and the formatted function is the same function."""
    for formula in (drawn, vjp(drawn)):
        (definition,) = ast.parse(PROGRAMS[target](formula).definition).body
        assert isinstance(definition, ast.FunctionDef)
        text = formatted(definition, "Nothing.", "Array", "tuple")
        assert ruff("format", "--isolated", "-", text=text) == text


PRINTED = [
    "def f(a, b):\n    return (a*b**2 - a[..., None]**2 + b.T**-1,)\n",
    "def f(a):\n    return (np.einsum('...i,...i->...', a, a), -a**2, (a + 1)**2, 2.0**a)\n",
    f"def f({', '.join(f'argument_{i}' for i in range(12))}):\n    return ()\n",
    f"def f(a):\n    b = {' + '.join(f'np.sin({i}.0*a)' for i in range(12))}\n    return (b, stack({', '.join(['a*b'] * 30)}))\n",
    f"def f(a):\n    return (({' + '.join('a' * 20)}).sum(axis=0), place((3,), ((slice(None), 2), {'*'.join('a' * 40)})))\n",
    f"def f(a):\n    return (np.where({' + '.join('a' * 30)} > 0.5, a, -({' - '.join('a' * 45)})),)\n",
]


@pytest.mark.parametrize("printed", PRINTED)
def test_long_lines_are_broken_as_formatters_do(printed):
    (definition,) = ast.parse(printed).body
    assert isinstance(definition, ast.FunctionDef)
    text = formatted(definition, "Nothing.\n\nOr more.", "Array", "tuple")
    assert ruff("format", "--isolated", "-", text=text) == text
    assert max(map(len, text.split("\n"))) <= WIDTH


def test_tables_are_formatted():
    value = {"a": (1, 2.5), "b": (), "c": ("one",), "d": {"long": tuple(range(40)), "e": {}, 'q"': "it's"}, "n": None}
    text = "\n".join(table("TABLE = ", value)) + "\n"
    assert ruff("format", "--isolated", "-", text=text) == text
    assert value == load(text).TABLE


def test_the_text_is_the_same_in_every_process():
    """Whatever the seed of Python's hashes."""
    program = "from odeanalysis.generation import generate\nfrom tests.cases import CASES\n"
    program += "print(generate(CASES['fourier_and_observations'].problem(), 'torch'))"
    texts = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        texts.add(subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True).stdout)
    assert texts == {generate(CASES["fourier_and_observations"].problem(), "torch") + "\n"}


def test_the_header_states_the_model_and_its_mark_changes_with_it():
    problem = CASES["predator_prey"].problem()
    text = generate(problem)
    assert "    hare' = alpha*hare - beta*hare*lynx\n" in text and "reduction over samples: mean" in text
    other = generate(replace(problem, reduction="sum"))
    marks = [next(line for line in one.split("\n") if line.startswith("Model ")) for one in (text, other)]
    assert marks[0] != marks[1]


def test_docstrings_give_the_formulas():
    found = load(generate(CASES["predator_prey"].problem()))
    assert "dhare/dt = alpha*hare - beta*hare*lynx" in found.field.__doc__
    assert "da_lynx/dt = a_lynx*gamma + a_hare*beta*hare - a_lynx*delta*hare" in found.hamiltonian_gradient.__doc__


def test_the_costate_equation():
    """a' = -dH/dz, by hand."""
    found = load(generate(CASES["predator_prey"].problem()))
    hare, lynx, alpha, beta, gamma, delta, a, b = (1.1 + 0.1 * i for i in range(8))
    slopes = found.costate(0.0, hare, lynx, alpha, beta, gamma, delta, 0.0, 0.0, *map(found.np.array, ([a], [b])))
    assert slopes[0] == pytest.approx(-a * (alpha - beta * lynx) - b * delta * lynx)
    assert slopes[1] == pytest.approx(a * beta * hare - b * (delta * hare - gamma))


def test_what_differs_is_shown_but_not_the_versions():
    text = generate(CASES["closed_form"].problem())
    assert difference(text, text) is None
    version = next(line for line in text.split("\n") if line.startswith(WRITTEN))
    assert difference(text.replace(version, f"{WRITTEN}0.0"), text) is None
    assert (
        difference(text.replace("theta * z", "theta + z", 1), text)
        == "line 123 is 'return (theta + z, theta * theta * (z * z))', would be 'return (theta * z, theta * theta * (z * z))'"
    )
    assert difference(text[:-20], text) is not None


HOSTILE = ['a"""; print("run"); """', "ends with \\\\", 'ends with "', "\\\\N{x} %s {0}", "two\\nlines", "\\x07 \u202e"]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_of_models_are_no_code(name, capsys):
    """Whatever a model file calls its model: it stands in docstrings and literals alone."""
    z, x = oda.block("z"), oda.block("x")
    try:
        model = oda.Model({z: -z}, {z: x}, (0, 1), (), (x,), name=name)
    except oda.ModelError:
        return
    problem = oda.Problem(model, oda.Objective(z))
    for text in (generate(problem), suite(problem, Files('q"/m\\n.toml', 'a"; b.py'))[0]):
        tree = ast.parse(text)
        assert ast.get_docstring(tree) is not None and not any(isinstance(node, ast.Expr) for node in tree.body[1:])
        assert ruff("format", "--isolated", "-", text=text) == text
    found = load(generate(problem))
    assert vars(found)["NAME"] == name and capsys.readouterr().out == ""


def one_name(letters):
    z, x = oda.block("z" * letters), oda.block("x" * letters)
    return oda.Problem(oda.Model({z: -z * x}, {z: x}, (0, 1), (), (x,), name="long"), oda.Objective(z))


def test_long_names_fit_or_are_refused():
    for letters in (40, 52, 60, 70):
        text = generate(one_name(letters))
        assert ruff("format", "--isolated", "-", text=text) == text
    with pytest.raises(oda.TargetError, match="does not fit into a line of 88 columns; take a shorter name"):
        generate(one_name(90))


def test_what_is_no_part_of_a_module_does_not_change_it():
    """Where values are drawn, and what is claimed."""
    problem = CASES["predator_prey"].problem()
    hare = problem.model.states[0]
    assert generate(replace(problem, ranges={"alpha": (1, 2)}, claims=[oda.positive(hare)])) == generate(problem)


def test_what_has_no_module_is_refused():
    with pytest.raises(oda.TargetError, match="no module for 'fortran'; take one of 'numpy', 'torch'"):
        generate(CASES["closed_form"].problem(), "fortran")
    with pytest.raises(oda.TargetError, match=r"'z' of 'model' has the shape \(n,\); give sizes that are numbers"):
        generate(CASES["symbolic_sizes"].problem())
    z, x = oda.block("z", 2), oda.block("x", 2)
    net = oda.Network("net", [(2,)], (2,), 0)
    problem = oda.Problem(oda.Model({z: net(z)}, {z: x}, (0, 1), (), (x,), name="opaque"), oda.Objective(oda.sumsq(z)))
    with pytest.raises(oda.TargetError, match=r"'opaque' uses opaque networks .'net'., whose text nobody has"):
        generate(problem)

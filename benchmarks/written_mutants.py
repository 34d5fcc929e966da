"""How many single-token changes of a written gradient its written tests catch: `python -m benchmarks.written_mutants`.

Each change replaces an operator, a number or a name in the functions of a module that make gradients: those of the model, and with
--sweep those that step back through the solution. It is caught where a test of the file that `odeanalysis test` writes fails. A change
that survives is tried on many more values: where it never changes a value or a gradient, that is the reason.
"""

import argparse
import ast
import io
import random
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from hypothesis import Phase
from rich.console import Console
from rich.table import Table

import odeanalysis as oda
from benchmarks.timing import machine
from odeanalysis.generation import generate
from odeanalysis.generation.suite import Files, suite

ROOT = Path(__file__).resolve().parent.parent
MODELS = (
    ROOT / "examples/lynx_hare/model.toml",
    ROOT / "tests/contract/network_batch/model.toml",
    ROOT / "tests/contract/fourier_and_observations/model.toml",
    *sorted((ROOT / "benchmarks/written_models").glob("*.toml")),
)
OPERATORS = {"+": "-", "-": "+", "*": "/", "/": "*", "**": "*", "<": ">", ">": "<", "<=": ">", ">=": "<"}
NAMES = {"sin": "cos", "cos": "sin", "tanh": "sin", "exp": "sinh", "log": "sqrt", "square": "abs", "matvec": "vecmat", "vecmat": "matvec"}
SWEEP = ("_stages", "_transposed", "_seeds", "_through", "_inner", "_differentiated", "_Back")
OTHERS = ("costate", "nodes")  # no gradient is made of these
# what the tests of a file are called with; those of differences are left out, which take longer than all others
TESTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("test_it_is_the_gradient_of_the_library", ("rk4",)),
    ("test_it_is_the_gradient_of_the_library", ("tsit5",)),
    ("test_it_controls_its_steps_as_the_library_does", ()),
    ("test_products_with_the_derivatives_of_the_field", ()),
    ("test_a_batch_is_its_samples", ()),
)
# how a test may end that a change makes fail
FAILURES = (AssertionError, ExceptionGroup, ArithmeticError, AttributeError, LookupError, NameError, TypeError, ValueError)
TRIES = 25


@dataclass(frozen=True)
class Change:
    """A text with one token changed."""

    line: int
    shown: str
    text: str


def changes(text: str, sweep: bool) -> list[Change]:
    """Every change of one token in the functions that make gradients, but not in what documents or annotates them."""
    lines, found = text.split("\n"), []
    for function in _functions(text, sweep):
        body = function.body[1:] if ast.get_docstring(function) else function.body
        first, last = body[0].lineno, body[-1].end_lineno or 0
        arguments = [one.arg for one in function.args.args] if isinstance(function, ast.FunctionDef) else []
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if first <= token.start[0] <= last and (other := _other(token, arguments)):
                row, (start, end) = token.start[0] - 1, (token.start[1], token.end[1])
                changed = f"{lines[row][:start]}{other}{lines[row][end:]}"
                found.append(Change(row + 1, changed.strip(), "\n".join((*lines[:row], changed, *lines[row + 1 :]))))
    return [one for one in found if _parses(one.text)]


def _functions(text: str, sweep: bool) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    for node in ast.parse(text).body:
        public = isinstance(node, ast.FunctionDef) and {one.arg for one in node.args.args} != {"values"} and _is_of_model(node)
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and (public or (sweep and node.name in SWEEP)):
            yield node


def _is_of_model(node: ast.FunctionDef) -> bool:
    """Whether a function is one of the model's formulas: all of its arguments are arrays."""
    kinds = {ast.unparse(one.annotation) for one in node.args.args if one.annotation is not None}
    return kinds == {"Array"} and not node.name.startswith("_") and node.name not in OTHERS


def _other(token: tokenize.TokenInfo, arguments: list[str]) -> str:
    """What a token is changed into; empty where it is left alone."""
    if token.type == tokenize.NUMBER:
        return repr(ast.literal_eval(token.string) + 1)
    if token.type == tokenize.OP:
        return OPERATORS.get(token.string, "")
    if token.type == tokenize.NAME and token.string in arguments and len(arguments) > 1:
        return arguments[(arguments.index(token.string) + 1) % len(arguments)]
    return NAMES.get(token.string, "") if token.type == tokenize.NAME else ""


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


def loaded(text: str, **given: Any) -> ModuleType:
    module = ModuleType("written")
    module.__dict__.update(given)
    exec(compile(text, "<written>", "exec"), module.__dict__)
    return module


def tests_of(problem: oda.Problem, model: Path) -> ModuleType:
    """The test file of a problem, whose MODULE is exchanged. Its tests stop at the first failure and do not shrink it."""
    written, _ = suite(problem, Files(model.name))
    text = written.replace("deadline=None", "deadline=None, phases=[Phase.generate], database=None, derandomize=True")
    return loaded(text, __file__=str(model.parent / "test_model.py"), Phase=Phase)


def is_caught(tests: ModuleType, module: ModuleType) -> bool:
    tests.__dict__["MODULE"] = module
    for name, given in TESTS:
        try:
            with np.errstate(all="ignore"):
                getattr(tests, name)(*given)
        except FAILURES:
            return True
    return False


def is_equivalent(tests: ModuleType, right: ModuleType, changed: ModuleType) -> bool:
    """Whether no value tells a changed module from the right one, to the last bit."""
    draw = np.random.default_rng(1)
    for batch in (None, 3) * TRIES:
        values = oda.sample(tests.PROBLEM, draw, batch)
        one, other = (outcome(module, values, tests.STEPS) for module in (right, changed))
        if (one is None) != (other is None):
            return False
        if one and other and not all(np.array_equal(one[name], other[name]) for name in one):
            return False
    return True


def outcome(module: ModuleType, values: Any, steps: Any) -> dict[str, Any] | None:
    """The value and the gradients by name; None for a solve that fails."""
    try:
        value, gradients = module.value_and_gradient(values, **steps)
    except ArithmeticError:
        return None
    return {"": value, **gradients}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--most", type=int, default=80, help="changes of each model, picked at random")
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--sweep", action="store_true", help="change the code that steps back, too")
    given = arguments.parse_args()
    console, table = Console(width=120), Table("model", "changes", "caught", "equivalent", "missed", title=machine())
    for model in MODELS:
        problem = oda.read(model)
        text, tests = generate(problem), tests_of(problem, model)
        every = changes(text, given.sweep)
        picked = random.Random(given.seed).sample(every, min(given.most, len(every)))
        assert not is_caught(tests, loaded(text)), "the tests refuse the right module"
        survived = [one for one in picked if not is_caught(tests, loaded(one.text))]
        same = [one for one in survived if is_equivalent(tests, loaded(text), loaded(one.text))]
        name = model.parent.name if model.stem == "model" else model.stem
        table.add_row(
            name, f"{len(picked)} of {len(every)}", *map(str, (len(picked) - len(survived), len(same), len(survived) - len(same)))
        )
        for one in survived:
            console.print(f"{name}, line {one.line}{', equivalent' if one in same else ''}: {one.shown}", markup=False, highlight=False)
    console.print(table)


if __name__ == "__main__":
    main()

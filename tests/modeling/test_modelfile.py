"""Model files: what they state equals what Python states."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp

import odeanalysis as oda
from odeanalysis.modeling import writing
from odeanalysis.modeling.modelfile import loads, read
from odeanalysis.modeling.writing import dumps
from tests.cases import CASES
from tests.modeling.files import CONTRACT, FLOW, GALERKIN, GROWTH, OBSERVED, REGULARIZE, SIGNAL, changed

EXAMPLES = sorted(folder.name for folder in CONTRACT.iterdir() if folder.is_dir())
s, z = oda.depth, oda.block("z")


def growth(**more: Any) -> Any:
    """What GROWTH states, in Python."""
    v, k, W, x = oda.block("v", 2), oda.block("k"), oda.block("W", 2, 2), oda.block("x")
    model = oda.Model(
        field={z: -k * z, v: W @ v},
        initial={z: x, v: oda.zeros(2)},
        domain=(0, 2),
        parameters=[k, W],
        inputs=[x],
        name="growth",
    )
    return oda.Problem(model, oda.Objective(terminal=z**2, **more), ranges={"k": (0.1, 2)})


# ---------------------------------------------------------------- the same in Python


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_contracts_examples_are_read(name: str):
    problem = read(CONTRACT / name / "model.toml")
    assert problem.name == "model"
    assert isinstance(oda.bind(problem, oda.read_values(CONTRACT / name / "values.json")).arrays, dict)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_case_has_the_values_of_its_example(name: str):
    given, wanted = CASES[name].values(), oda.read_values(CONTRACT / name / "values.json")
    assert list(given) == list(wanted) and all(np.array_equal(given[key], wanted[key]) for key in wanted)


@pytest.mark.parametrize("name", ["closed_form", "network_batch", "signed_depth"])
def test_an_example_equals_the_case_stated_in_python(name: str):
    assert read(CONTRACT / name / "model.toml") == CASES[name].problem()


def test_a_flow_equals_its_transform_in_python():
    v, A, x, ld = oda.block("z", 3), oda.block("A", 3, 3), oda.block("x", 3), oda.block("ld")
    model = oda.Model(field={v: A @ v}, initial={v: x}, domain=(0, 1.2), parameters=[A], inputs=[x])
    stated = oda.Problem(oda.flow(model, "z", "ld"), oda.Objective(terminal=oda.sumsq(v) - ld))
    assert read(CONTRACT / "linear_flow" / "model.toml") == stated


def test_a_galerkin_model_equals_its_transform_in_python():
    k, z0, seen = oda.block("k"), oda.block("z0"), oda.block("seen")
    model = oda.Model(field={z: 1 - k * z}, initial={z: z0}, domain=(0, 2), parameters=[k, z0])
    observation = oda.Observation([0.5, 1.5], (z - seen) ** 2, [seen])
    objective = oda.Objective(terminal=z**2, observations=[observation])
    stated = oda.Problem(oda.galerkin(model, {"k": oda.Fourier(3, period=2)}), objective)
    assert read(CONTRACT / "fourier_and_observations" / "model.toml") == stated


def test_a_small_model_equals_its_statement_in_python():
    assert loads(GROWTH) == growth()
    seen, v = oda.block("seen", 2), oda.block("v", 2)
    observation = oda.Observation([0.5, 1], oda.sumsq(v - seen), [seen])
    assert loads(GROWTH + OBSERVED) == growth(observations=[observation])


WRITTEN = [name for name in CASES if not CASES[name].problem().model.functions and name != "symbolic_sizes"]


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written_reads_as_the_same(name: str):
    problem = CASES[name].problem()
    assert loads(dumps(problem), "another name") == problem


@pytest.mark.parametrize("name", [name for name in CASES if name not in WRITTEN])
def test_what_a_file_cannot_hold_is_not_written(name: str):
    with pytest.raises(oda.ModelError, match="cannot be written as a model file: its"):
        dumps(CASES[name].problem())


def test_a_reduction_is_not_written():
    problem = growth()
    with pytest.raises(oda.ModelError, match="no key for the reduction"):
        dumps(oda.Problem(problem.model, problem.objective, "sum"))


def test_a_text_that_reads_as_something_else_is_not_given_out(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(writing, "text", lambda expression: "1")
    with pytest.raises(oda.ModelError, match="its text reads as another problem"):
        dumps(CASES["scalar_linear"].problem())


def tables(text: str) -> list[str]:
    """The parts of a file: what stands before the first table, then each table."""
    return [part if i == 0 else f"\n[{part}" for i, part in enumerate(text.split("\n["))]


def test_the_order_of_tables_does_not_matter():
    head, *rest = tables(GROWTH)
    wanted = loads(GROWTH)
    for order in itertools.islice(itertools.permutations(rest), 0, None, 97):
        assert loads("".join([head, *order])) == wanted


def test_states_keep_the_order_they_are_declared_in():
    assert [state.name for state in loads(changed("z = []\nv = [2]", "v = [2]\nz = []")).model.states] == ["v", "z"]
    assert loads(changed('z = "-k*z"\nv = "W @ v"', 'v = "W @ v"\nz = "-k*z"')) == growth()


def test_the_name_is_the_files_stem_where_none_is_given(tmp_path: Path):
    path = tmp_path / "my model.v2.toml"
    path.write_text(changed('name = "growth"', ""), encoding="utf-8")
    assert read(path).name == read(str(path)).name == "my model.v2"
    assert loads(changed('name = "growth"', ""), "other").name == "other" and loads(GROWTH, "other").name == "growth"


# ---------------------------------------------------------------- numbers

NUMBERS = {"0.1": "1/10", "1e-3": "1/1000", "-0.0": "0", "3": "3", "1_000.5": "2001/2", "0x10": "16", "2.5E+1": "25", '"1/3"': "1/3"}


@pytest.mark.parametrize("written", NUMBERS)
def test_numbers_are_exact_wherever_an_expression_is(written: str):
    value = sp.Rational(NUMBERS[written])
    text = changed('z = "-k*z"', f"z = {written}")
    text = changed("domain = [0, 2]", f"domain = [{written}, 30]\nbreakpoints = [{written}]", text)
    text = changed('z = "x"', f"z = {written}", text)
    text = changed('terminal = "z**2"', f"terminal = {written}\nrunning = {written}", text)
    text += changed("at = [0.5, 1]", f"at = [{written}]", OBSERVED)
    problem = loads(changed('"sumsq(v - seen)"', written, text))
    model, objective = problem.model, problem.objective
    found = [dict(model.field)[z], dict(model.initial)[z], model.domain[0], *model.breakpoints, objective.terminal, objective.running]
    found += [*objective.observations[0].at, objective.observations[0].cost]
    assert found == [value] * 8


def test_a_number_means_what_it_means_in_python():
    """Digits beyond a double's are dropped, as they are in Python."""
    text = changed("domain = [0, 2]", "domain = [0, 2.00000000000000000001]")
    assert loads(text) == growth() and loads(changed("[0, 2]", "[0, 0.30000000000000004]")).model.domain[1] == sp.Rational(
        "0.30000000000000004"
    )


# ---------------------------------------------------------------- transforms


def test_a_varying_name_means_its_value_at_the_depth():
    k, weights = oda.block("k"), oda.block("k", 2)
    problem = loads(SIGNAL + GALERKIN)
    assert problem.model.parameters == (weights,) and problem.model.varying == (k,)
    assert problem.objective.terminal == z**2 + k and problem.objective.running == k * z


def test_an_objective_may_use_what_a_transform_adds():
    problem = loads(changed("z**2 + k", "z**2 - ld", SIGNAL) + FLOW)
    assert [state.name for state in problem.model.states] == ["z", "ld"]
    assert oda.block("ld") in problem.objective.terminal.free_symbols


@pytest.mark.parametrize("order", list(itertools.permutations([GALERKIN, FLOW, REGULARIZE])))
def test_costs_on_the_field_come_last_and_count_the_declared_states(order: tuple[str, ...]):
    problem = loads(SIGNAL + "".join(order))
    k = oda.block("k")
    assert sp.expand(problem.objective.running - k * z - k**2 * z**2 / 100) == 0

"""Models, objectives and problems as Python states them: what they become, and what they refuse."""

import math
import pickle
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy as sp

import odeanalysis as oda
from tests.cases import CASES

s, t = oda.depth, sp.Symbol("t", real=True)
y, a, d, q = (oda.block(name) for name in "yadq")
z, W = oda.block("z", 2), oda.block("W", 2, 2)


def model(**parts: Any) -> Any:
    given: dict[str, Any] = {"field": {y: -a * y}, "initial": {y: 1}, "domain": (0, 1), "parameters": [a], "name": "decay"}
    return oda.Model(**{**given, **parts})


def problem(objective: Any = None, stated: Any = None, **more: Any) -> Any:
    return oda.Problem(stated or model(), objective or oda.Objective(terminal=y**2), **more)


def observation(at: Any = (0.5,), cost: Any = (y - d) ** 2, data: Any = (d,)) -> Any:
    return oda.Objective(observations=[oda.Observation(at, cost, data)])


# ---------------------------------------------------------------- what is stated


def test_a_model_keeps_everything_as_tuples_of_exact_expressions():
    stated = model(domain=[0, 0.1], breakpoints=[0.05], inputs=[q])
    assert stated.field == ((y, -a * y),) and stated.initial == ((y, sp.Integer(1)),)
    assert stated.domain == (0, sp.Rational(1, 10)) and stated.breakpoints == (sp.Rational(1, 20),)
    assert stated.states == (y,) and stated.parameters == (a,) and stated.inputs == (q,) and stated.names == (a, q)
    assert stated.varying == () and stated.depth == s and stated.name == "decay"


NUMBERS = [0.1, Fraction(1, 10), sp.Rational(1, 10), sp.Float(0.1), np.float64(0.1), sp.Float("0.1", 30)]


@pytest.mark.parametrize("number", NUMBERS)
def test_numbers_of_every_kind_are_exact(number: Any):
    stated = model(field={y: number * y}, initial={y: number}, domain=(number, 1), breakpoints=[number])
    assert stated == model(
        field={y: y / 10}, initial={y: sp.Rational(1, 10)}, domain=(sp.Rational(1, 10), 1), breakpoints=[sp.Rational(1, 10)]
    )


def test_plain_symbols_stand_for_real_ones():
    plain, rate = sp.symbols("y a")
    stated = model(field={plain: -rate * plain}, initial={plain: 1}, parameters=[rate])
    assert stated == model() and all(symbol.is_real for symbol in stated.field[0][1].free_symbols)


def test_pairs_and_arrays_are_as_good_as_mappings_and_lists():
    assert model(field=[(y, -a * y)], initial=((y, 1),), domain=np.array([0.0, 1.0])) == model()


def test_the_initial_value_takes_the_order_of_the_field():
    parts = {"field": {y: -a * y, z: W @ z}, "parameters": [a, W]}
    first = model(initial={y: 1, z: oda.ones(2)}, **parts)
    assert first == model(initial={z: oda.ones(2), y: 1}, **parts) and [state for state, _ in first.initial] == [y, z]


def test_a_state_without_entries_stands_beside_one_that_has_some():
    none = oda.block("none", 0)
    stated = oda.Problem(model(field={y: -a * y, none: 2 * none}, initial={y: 1, none: oda.zeros(0)}), oda.Objective(y))
    alone = oda.Problem(model(), oda.Objective(y))
    (value, gradients), (wanted, slopes) = (oda.value_and_gradient(one, {"a": 0.5}) for one in (stated, alone))
    assert value == wanted and gradients["a"] == pytest.approx(slopes["a"], rel=1e-14)  # sums in another order


def test_a_model_with_other_parts():
    other = model().with_(name="other", domain=(1, 0))
    assert other.name == "other" and other.domain == (1, 0) and other.field == model().field


@pytest.mark.parametrize("name", CASES)
def test_equal_statements_are_equal_objects(name: str):
    first, second = CASES[name].problem(), CASES[name].problem()
    assert first == second and hash(first) == hash(second) and pickle.loads(pickle.dumps(first)) == first


@pytest.mark.parametrize("name", CASES)
def test_stating_again_changes_nothing(name: str):
    stated = CASES[name].problem()
    assert stated.model.with_() == stated.model
    assert oda.Problem(stated.model, stated.objective, stated.reduction, stated.ranges) == stated


def test_data_are_listed_in_order():
    e = oda.block("e", 2)
    objective = oda.Objective(observations=[oda.Observation([0], (y - d) ** 2, [d]), oda.Observation([1, 0.5], oda.sumsq(y - e), [e])])
    assert problem(objective).data == (d, e)


def test_ranges_are_kept_by_name():
    assert problem(ranges={a: (0, 1)}) == problem(ranges={"a": [0.0, 1]}) == problem(ranges=[("a", (0, 1.0))])


# ---------------------------------------------------------------- what is refused

# the parts that are changed, and words of the message: the key, and what to do
MODELS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "no state": ({"field": {}, "initial": {}}, ("'decay' has no state", "give")),
    "no entries": (
        {"field": {(none := oda.block("none", 0)): none, (flat := oda.block("flat", 2, 0)): flat}, "initial": {none: none}},
        ("states of 'decay' have no entries", "'none' of shape (0,)", "'flat' of shape (2, 0)", "a shape without 0"),
    ),
    "no mapping": ({"field": None}, ("field of 'decay' is None", "give a mapping")),
    "no pairs": ({"field": [1]}, ("field of 'decay' entry is 1", "give")),
    "three parts": ({"field": [(y, 1, 2)]}, ("field of 'decay' entry has 3 parts", "two")),
    "a text for a state": ({"field": {"y": 1}}, ("state 'y' is no name", "block(")),
    "state twice": ({"field": [(y, 1), (y, 2)]}, ("'y' twice", "a state", "rename")),
    "initial value twice": ({"initial": [(y, 1), (y, 2)]}, ("initial of 'decay' has two entries for 'y'", "keep one")),
    "no initial value": ({"initial": {}}, ("initial of 'decay' has no entry for state 'y'", "add")),
    "initial value of no state": ({"initial": {y: 1, a: 1}}, ("initial of 'decay' has an entry for 'a'", "remove")),
    "unknown name": ({"field": {y: q * y}}, ("field 'y' of 'decay' uses 'q'", "declare")),
    "unknown names": ({"field": {y: q * y + d}}, ("uses 'd', 'q', which are", "declare")),
    "name of another shape": ({"field": {y: W[0, 0]}, "parameters": [oda.block("W")]}, ("'W' with shape (2, 2)", "has shape ()")),
    "state in the initial value": ({"initial": {y: y}}, ("initial 'y' of 'decay' uses 'y'", "initial value")),
    "parameter twice": ({"parameters": [a, a]}, ("'a' twice", "a parameter", "rename")),
    "parameter and input": ({"inputs": [a]}, ("'a' twice", "a parameter", "an input")),
    "state and parameter": ({"parameters": [a, y]}, ("'y' twice", "a state", "a parameter")),
    "one name of two shapes": ({"inputs": [oda.block("a", 2)]}, ("'a' twice",)),
    "depth as a parameter": ({"parameters": [a, s]}, ("a parameter", "'s'")),
    "reserved": ({"parameters": [a, sp.Symbol("exp")]}, ("a parameter", "'exp'")),
    "keyword": ({"inputs": [sp.Symbol("lambda")]}, ("an input", "'lambda'")),
    "underscore": ({"inputs": [sp.Symbol("_x")]}, ("an input", "'_x'")),
    "reserved depth": ({"depth": sp.Symbol("pi")}, ("the depth", "'pi'")),
    "depth of a shape": ({"depth": z}, ("the depth 'z' has shape (2,)", "scalar")),
    "depth as text": ({"depth": "t"}, ("the depth 't' is no name", "declare")),
    "one parameter": ({"parameters": a}, ("parameters of 'decay' is a", "list")),
    "text for parameters": ({"parameters": "a"}, ("parameters of 'decay' is 'a'", "list")),
    "number as a parameter": ({"parameters": [1]}, ("parameter 1 is no name", "declare")),
    "shape of the field": ({"field": {z: a}, "initial": {z: z}}, ("field 'z' of 'decay' has shape ()", "(2,)", "write")),
    "shape of the initial value": ({"field": {z: z}, "initial": {z: 0}}, ("initial 'z' of 'decay' has shape ()", "(2,)")),
    "condition": ({"field": {y: y > 1}}, ("field 'y' of 'decay' has y > 1, a condition", "where")),
    "condition on arrays": ({"field": {z: z < 1}, "initial": {z: oda.ones(2)}}, ("a condition", "where")),
    "condition as a number": ({"field": {z: (z < 1) * 2}, "initial": {z: oda.ones(2)}}, ("a condition", "where")),
    "text": ({"field": {y: "y"}}, ("field 'y' of 'decay': 'y' is no expression", "use")),
    "none": ({"initial": {y: None}}, ("initial 'y' of 'decay': None is no expression", "use")),
    "truth": ({"initial": {y: True}}, ("initial 'y' of 'decay': True is no expression",)),
    "array": ({"field": {z: z}, "initial": {z: np.ones(2)}}, ("initial 'z' of 'decay'", "no expression")),
    "division by zero": ({"field": {y: y / sp.Integer(0)}}, ("field 'y' of 'decay' is not finite", "zero")),
    "not a number": ({"field": {y: sp.nan}}, ("field 'y' of 'decay' is not finite",)),
    "infinite": ({"initial": {y: math.inf}}, ("initial 'y' of 'decay' is inf", "finite")),
    "not real": ({"field": {y: oda.sqrt(-1) * y}}, ("field 'y' of 'decay' is not real", "remove")),
    "one end": ({"domain": (1,)}, ("domain of 'decay' has 1 entries", "two ends")),
    "number as domain": ({"domain": 1}, ("domain of 'decay' is 1", "list")),
    "infinite end": ({"domain": (0, math.inf)}, ("domain of 'decay' is inf", "finite")),
    "end of SymPy's infinity": ({"domain": (0, sp.oo)}, ("domain of 'decay' is not finite",)),
    "end that is not a number": ({"domain": (math.nan, 1)}, ("domain of 'decay' is nan", "finite")),
    "end in the depth": ({"domain": (0, s)}, ("domain of 'decay' uses 's'", "declare")),
    "end in the state": ({"domain": (0, y)}, ("domain of 'decay' uses 'y'", "declare")),
    "end of a shape": ({"domain": (0, W), "parameters": [a, W]}, ("domain of 'decay' has shape (2, 2)", "()")),
    "one break point": ({"breakpoints": 0.5}, ("breakpoints of 'decay' is 0.5", "list")),
    "break point in the depth": ({"breakpoints": [s]}, ("breakpoints of 'decay' uses 's'", "declare")),
    "function of a state": ({"field": {y: q}, "functions": {q: y}}, ("function 'q' of 'decay' uses 'y'", "declare")),
    "function of a wrong shape": ({"field": {y: q}, "functions": {q: W}, "parameters": [W]}, ("function 'q' of 'decay' has shape",)),
    "function named like a state": ({"functions": {y: a}}, ("functions of 'decay' names 'y'", "rename")),
    "function named like a parameter": ({"functions": {a: s}}, ("functions of 'decay' names 'a'", "rename")),
    "name no text": ({"name": 3}, ("name is '3'", "one line")),
    "name of two lines": ({"name": "a\nb"}, ("name is", "one line")),
    "no name": ({"name": ""}, ("name is ''", "one line")),
}
OBJECTIVES: dict[str, tuple[Any, tuple[str, ...]]] = {
    "terminal of a shape": (oda.Objective(terminal=oda.ones(2)), ("objective.terminal of 'decay' has shape (2,)", "()")),
    "terminal of an unknown name": (oda.Objective(terminal=q), ("objective.terminal of 'decay' uses 'q'", "declare")),
    "running": (oda.Objective(running=q), ("objective.running of 'decay' uses 'q'", "declare")),
    "data in the running cost": (oda.Objective(running=d, observations=observation().observations), ("objective.running", "'d'")),
    "condition": (oda.Objective(running=y > 0), ("objective.running of 'decay' has y > 0, a condition", "where")),
    "expression": (y**2, ("Pow", "Problem(model, objective)")),
    "one observation": (oda.Objective(observations=observation().observations[0]), ("objective.observations of 'decay'", "list")),
    "no observation": (oda.Objective(observations=[y]), ("objective.observations of 'decay' has the entry y", "Observation(")),
    "no depth": (observation(at=()), ("objective.observations of 'decay' has no depths", "'at'")),
    "one depth": (observation(at=0.5), ("'at' in objective.observations of 'decay' is 0.5", "list")),
    "depth outside": (observation(at=[0.5, 1.5]), ("depth 1.5 lies outside the domain [0.0, 1.0]", "move")),
    "depth outside below": (observation(at=[-0.1]), ("depth -0.1 lies outside", "move")),
    "depth in the state": (observation(at=[y]), ("objective.observations 'at' of 'decay' uses 'y'", "parameter")),
    "depth in the depth": (observation(at=[s]), ("objective.observations 'at' of 'decay' uses 's'",)),
    "cost of a shape": (observation(cost=oda.ones(2)), ("objective.observations 'cost' of 'decay' has shape (2,)",)),
    "cost of an unknown name": (observation(cost=q), ("objective.observations 'cost' of 'decay' uses 'q'", "declare")),
    "one datum": (observation(data=d), ("data in objective.observations of 'decay' is d", "list")),
    "datum no name": (observation(data=[1]), ("observation data 1 is no name", "declare")),
    "datum named like a parameter": (observation(data=[d, a]), ("'a' twice", "observation data", "rename")),
    "datum named like a state": (observation(data=[d, y]), ("'y' twice", "observation data")),
    "datum twice": (observation(data=[d, d]), ("'d' twice", "observation data")),
    "datum in two observations": (
        oda.Objective(observations=(*observation().observations, *observation(at=[1]).observations)),
        ("'d' twice", "observation data"),
    ),
}
RANGES: dict[str, tuple[Any, tuple[str, ...]]] = {
    "unknown": ({"q": (0, 1)}, ("ranges of 'decay' names 'q'", "declare")),
    "state": ({"y": (0, 1)}, ("ranges of 'decay' names 'y'",)),
    "twice": ([("a", (0, 1)), (a, (0, 2))], ("ranges of 'decay' names 'a' twice", "keep one")),
    "upside down": ({"a": (1, 0)}, ("'a' is [1.0, 0.0]", "lower end must be below")),
    "of no length": ({"a": (1, 1)}, ("'a' is [1.0, 1.0]", "lower end must be below")),
    "infinite": ({"a": (0, math.inf)}, ("'a' is [0.0, inf]", "finite")),
    "not a number": ({"a": (math.nan, 1)}, ("'a' is [nan, 1.0]", "finite")),
    "text": ({"a": ("x", 1)}, ("'a' is ['x', 1]", "two numbers")),
    "very large": ({"a": (0, 10**400)}, ("'a' is", "two numbers")),
    "three": ({"a": (0, 1, 2)}, ("'a' has 3 parts", "two")),
    "one": ({"a": 1}, ("'a' is 1", "list")),
    "no names": ({1: (0, 1)}, ("range 1 is no name", "declare")),
    "no mapping": (3, ("ranges of 'decay' is 3", "mapping")),
}


def check(words: tuple[str, ...], error: Any) -> None:
    message = str(error.value)
    assert not [word for word in words if word not in message], message
    assert len(message) < 400


@pytest.mark.parametrize("name", MODELS)
def test_a_wrong_model_is_refused(name: str):
    parts, words = MODELS[name]
    with pytest.raises(oda.ModelError) as error:
        model(**parts)
    check(words, error)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_wrong_objective_is_refused(name: str):
    objective, words = OBJECTIVES[name]
    with pytest.raises(oda.ModelError) as error:
        problem(objective)
    check(words, error)


@pytest.mark.parametrize("name", RANGES)
def test_wrong_ranges_are_refused(name: str):
    ranges, words = RANGES[name]
    with pytest.raises(oda.ModelError) as error:
        problem(ranges=ranges)
    check(words, error)


def test_an_unknown_reduction_is_refused():
    with pytest.raises(oda.ModelError, match="reduction is 'max'; use one of mean, sum"):
        problem(reduction="max")


@pytest.mark.parametrize("domain", [(1, 0), (0, 1), (sp.Rational(1, 2), 0.5)])
def test_depths_at_both_ends_lie_inside(domain: Any):
    stated = model(domain=domain)
    assert problem(observation(at=domain), stated).objective.observations[0].at == stated.domain


def test_depths_and_ends_that_are_expressions_wait_for_their_values():
    assert problem(observation(at=[7, a]), model(domain=(0, a)))
    assert problem(observation(at=[a + 5]))


def test_the_depths_symbol_means_the_depth_everywhere():
    stated = model(field={y: t * y}, initial={y: t}, depth=t)
    assert problem(oda.Objective(t * y, t, observation(cost=t * d).observations), stated).objective.running == t
    with pytest.raises(oda.ModelError, match="uses 's'"):
        model(depth=t, field={y: s})

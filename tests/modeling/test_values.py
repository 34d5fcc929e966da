"""Values: read from files, bound to a problem by rank, refused by name."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

import odeanalysis as oda
from odeanalysis.modeling.values import Bound, bind, read_values, sample
from tests.cases import CASES

NAN = float("nan")
z, a, x = (oda.block(name) for name in "zax")
W, seen = oda.block("W", 3, 2), oda.block("seen", 2)


def problem() -> Any:
    """A scalar and a matrix as parameters, a scalar input, data of two numbers at three depths."""
    model = oda.Model(field={z: a * z}, initial={z: x}, domain=(0, 2), parameters=[a, W], inputs=[x], name="growth")
    return oda.Problem(model, oda.Objective(observations=(oda.Observation([0, 1, 2], oda.sumsq(z - seen), [seen]),)))


def values(**changes: Any) -> dict[str, Any]:
    return {"a": 0.5, "W": np.ones((3, 2)), "x": 1, "seen": np.zeros((3, 2)), **changes}


# ---------------------------------------------------------------- binding


def test_values_without_a_batch_are_shared():
    bound = bind(problem(), values())
    assert bound.batch is None and bound.batched == frozenset()
    assert list(bound.arrays) == ["a", "W", "x", "seen"]
    assert all(array.dtype == np.float64 for array in bound.arrays.values())


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("name", ["a", "W", "x", "seen"])
def test_one_more_axis_is_one_for_each_sample(name: str, batch: int):
    shape = np.shape(values()[name])
    bound = bind(problem(), values(**{name: np.ones((batch, *shape))}))
    assert bound.batch == batch and bound.batched == {name}
    assert bound.arrays[name].shape == (batch, *shape)


@pytest.mark.parametrize("name", CASES)
def test_every_case_has_values_that_fit(name: str):
    found = CASES[name]
    bound = bind(found.problem(), found.values())
    assert {key: array.shape for key, array in bound.arrays.items()} == {key: value.shape for key, value in found.values().items()}


@pytest.mark.parametrize("given", [2, 2.0, np.float32(2), np.int8(2), np.array(2), sp.Rational(2), sp.Float(2)])
def test_numbers_of_every_kind_are_taken(given: Any):
    bound = bind(problem(), values(a=given))
    assert bound.arrays["a"] == 2.0 and bound.arrays["a"].dtype == np.float64


@pytest.mark.parametrize("given", [[[1, 2], [3, 4], [5, 6]], ((1, 2), (3, 4), (5, 6)), [np.array([1, 2]), [3, 4], (5, 6)]])
def test_nested_lists_are_taken(given: Any):
    assert bind(problem(), values(W=given)).arrays["W"].tolist() == [[1, 2], [3, 4], [5, 6]]


def test_complex_values_stay_complex():
    bound = bind(problem(), values(a=0.5 + 1e-30j, x=[1, 2j]))
    assert bound.arrays["a"].dtype == bound.arrays["x"].dtype == np.complex128 and bound.arrays["W"].dtype == np.float64


def test_missing_data_are_nan():
    bound = bind(problem(), values(seen=[[1, None], [None, None], [NAN, 2]]))
    assert np.isnan(bound.arrays["seen"]).tolist() == [[False, True], [True, True], [True, False]]


def test_arrays_are_copies_that_cannot_be_written():
    mine = np.ones((3, 2))
    bound = bind(problem(), values(W=mine))
    mine[0, 0] = 9
    assert bound.arrays["W"][0, 0] == 1
    with pytest.raises(ValueError):
        bound.arrays["W"][0, 0] = 2


def test_data_of_one_number_have_the_depths_as_their_only_axis():
    """[3] is one datum at each of three depths, [2, 3] the same for two samples."""
    one = oda.block("one")
    observation = oda.Observation([0, 1, 2], (z - one) ** 2, [one])
    model = oda.Model(field={z: z}, initial={z: 1}, domain=(0, 2))
    stated = oda.Problem(model, oda.Objective(observations=(observation,)))
    assert bind(stated, {"one": [1, 2, 3]}).batch is None
    assert bind(stated, {"one": [[1, 2, 3], [4, 5, 6]]}).batch == 2
    with pytest.raises(oda.ModelError, match=r"value 'one' has shape \(\); .* \(3,\) .* \(batch, 3\)"):
        bind(stated, {"one": 1})


# what is given, and words of the message
WRONG: dict[str, tuple[dict[Any, Any], tuple[str, ...]]] = {
    "shape": ({"W": np.ones((2, 3))}, ("'W'", "(2, 3)", "(3, 2)", "(batch, 3, 2)", "give")),
    "rank too low": ({"W": 1.0}, ("'W'", "()", "(3, 2)")),
    "rank too high": ({"a": np.ones((2, 2))}, ("'a'", "(2, 2)", "()", "(batch,)")),
    "data without depths": ({"seen": [1, 2]}, ("'seen'", "(2,)", "(3, 2)", "(batch, 3, 2)", "'at'")),
    "batch lengths": ({"a": [1, 2, 3], "x": [1, 2]}, ("'a'", "'x'", "3", "2", "samples")),
    "batch lengths with data": ({"a": [1, 2, 3], "seen": np.ones((2, 3, 2))}, ("'a'", "'seen'", "3", "2")),
    "no sample": ({"a": []}, ("'a'", "at least one")),
    "unknown": ({"aa": 1}, ("'aa'", "did you mean 'a'")),
    "unknown and far": ({"zeta": 1}, ("'zeta'", "a, seen, x", "remove")),
    "unknown and no text": ({3: 1}, ("3", "remove")),
    "a state": ({"z": 1}, ("'z'", "state", "initial")),
    "NaN": ({"W": [[1, 2], [3, NAN], [5, 6]]}, ("'W'[1, 1]", "NaN", "observation data")),
    "NaN scalar": ({"a": NAN}, ("'a' is NaN", "give a number")),
    "null": ({"a": None}, ("'a' is NaN or null",)),
    "infinite": ({"x": [1, float("inf")]}, ("'x'[1]", "infinite")),
    "minus infinite datum": ({"seen": [[0, 1], [-np.inf, NAN], [0, 0]]}, ("'seen'[1, 0]", "infinite")),
    "complex and infinite": ({"a": complex(0, np.inf)}, ("'a'", "infinite")),
    "string": ({"a": "0.5"}, ("'a'", "string '0.5'", "give a number")),
    "boolean": ({"a": True}, ("'a'", "boolean True")),
    "boolean in a list": ({"x": [1, False]}, ("'x'[1]", "boolean False")),
    "object": ({"a": {"b": 1}}, ("'a'", "object")),
    "array of booleans": ({"x": np.array([True])}, ("'x'", "booleans")),
    "array of strings": ({"x": np.array(["1"])}, ("'x'", "strings")),
    "array of objects": ({"x": np.array([1, "a"], dtype=object)}, ("'x'[1]", "string 'a'")),
    "dates": ({"x": np.array(["2020-01-01"], dtype="M8[D]")}, ("'x'", "dates")),
    "ragged": ({"W": [[1, 2], [3], [5, 6]]}, ("'W'[1]", "1 entries", "2 entries")),
    "ragged in depth": ({"W": [[1, 2], 3, [5, 6]]}, ("'W'[1]", "the number 3", "2 entries")),
    "null for a row": ({"seen": [[1, 2], None, [5, 6]]}, ("'seen'[1]", "null", "2 entries")),
    "list for a number": ({"W": [[1, 2], [3, [4]], [5, 6]]}, ("'W'[1, 1]", "list")),
    "huge": ({"a": 10**400}, ("'a'", "very large", "1.8e308")),
    "far too deep": ({"a": json.loads("[" * 90 + "]" * 90)}, ("'a'", "nests")),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_values_are_refused_by_name(name: str):
    changes, words = WRONG[name]
    with pytest.raises(oda.ModelError) as error:
        bind(problem(), {**values(), **changes})
    missing = [word for word in words if word not in str(error.value)]
    assert not missing, error.value
    assert len(str(error.value)) < 400


def test_missing_values_are_named():
    with pytest.raises(oda.ModelError, match="no value for 'W', 'seen' of 'growth'; add them"):
        bind(problem(), {"a": 1, "x": 2})


# ---------------------------------------------------------------- symbolic sizes

n, m = sp.Symbol("n", integer=True), sp.Symbol("m", integer=True)


def sized(*inputs: Any) -> Any:
    state = oda.block("y", n)
    model = oda.Model(field={state: -state}, initial={state: oda.block("u", n)}, domain=(0, 1), inputs=[oda.block("u", n), *inputs])
    return oda.Problem(model, oda.Objective(terminal=oda.sumsq(state)))


def test_symbolic_sizes_are_read_off():
    stated = sized(oda.block("B", m, n), oda.block("D", 2 * n + m))
    bound = bind(stated, {"u": [1, 2, 3], "B": np.ones((2, 3)), "D": np.ones(8)})
    assert bound.sizes == {n: 3, m: 2} and bound.batch is None


def test_a_batch_leaves_symbolic_sizes_alone():
    bound = bind(sized(oda.block("B", m, n)), {"u": np.ones((5, 3)), "B": np.ones((2, 3))})
    assert bound.sizes == {n: 3, m: 2} and bound.batched == {"u"} and bound.batch == 5


def test_conflicting_sizes_name_both_values():
    with pytest.raises(oda.ModelError, match="values 'u' and 'B' have lengths 3 and 4 where both are of size n; give"):
        bind(sized(oda.block("B", m, n)), {"u": [1, 2, 3], "B": np.ones((2, 4))})


def test_sizes_made_of_others_are_checked():
    with pytest.raises(oda.ModelError, match=r"value 'D' has shape \(7,\); give one of shape \(6,\)"):
        bind(sized(oda.block("D", 2 * n)), {"u": [1, 2, 3], "D": np.ones(7)})


def test_a_size_that_nothing_tells_is_refused():
    with pytest.raises(oda.ModelError, match=r"value 'D' has the size 2\*m, which no value tells; declare a name of size m"):
        bind(sized(oda.block("D", 2 * m)), {"u": [1, 2, 3], "D": np.ones(6)})


# ---------------------------------------------------------------- random values


@pytest.mark.parametrize("batch", [None, 1, 3])
@pytest.mark.parametrize("name", CASES)
def test_random_values_fit_every_case(name: str, batch: int | None):
    stated = CASES[name].problem()
    drawn = sample(stated, np.random.default_rng(0), batch)
    bound = bind(stated, drawn)
    per_sample = {leaf.name for leaf in (*stated.model.inputs, *stated.data)}
    assert bound.batched == (per_sample if batch else frozenset())
    ranges = dict(stated.ranges)
    assert all((low <= drawn[key]).all() and (drawn[key] <= high).all() for key, (low, high) in ranges.items())


def test_random_values_repeat_with_their_seed():
    first, again, other = (sample(problem(), np.random.default_rng(seed), 2) for seed in (1, 1, 2))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["W"], other["W"])


def test_sizes_of_random_values_can_be_given():
    drawn = sample(sized(oda.block("B", m, n)), np.random.default_rng(0), sizes={n: 7})
    assert drawn["u"].shape == (7,) and drawn["B"].shape == (2, 7)


# ---------------------------------------------------------------- files


def write(folder: Path, content: str | bytes, name: str = "values.json") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_json_is_read(tmp_path: Path):
    found = read_values(write(tmp_path, '\ufeff{"a": 1, "W": [[1, 2.5], [null, 4e-3]], "none": []}'))
    assert {name: array.shape for name, array in found.items()} == {"a": (), "W": (2, 2), "none": (0,)}
    assert found["a"] == 1 and np.isnan(found["W"][1, 0]) and found["W"][1, 1] == 0.004


def test_npz_is_read(tmp_path: Path):
    np.savez(tmp_path / "values.npz", a=np.float32(0.5), W=np.arange(6).reshape(3, 2), c=np.array([1j]))
    found = read_values(tmp_path / "values.npz")
    assert found["a"] == 0.5 and found["W"].dtype == np.float64 and found["W"].shape == (3, 2) and found["c"].dtype == complex


def test_both_kinds_of_file_bind_alike(tmp_path: Path):
    given = values(seen=[[1, None], [2, 3], [None, None]])
    arrays = {name: np.array(value, dtype=float) for name, value in given.items()}
    np.savez(tmp_path / "values.npz", a=arrays["a"], W=arrays["W"], x=arrays["x"], seen=arrays["seen"])
    lists = {name: np.asarray(value).tolist() for name, value in given.items()}
    one = bind(problem(), read_values(write(tmp_path, json.dumps(lists))))
    two = bind(problem(), read_values(tmp_path / "values.npz"))
    assert all(np.array_equal(one.arrays[name], two.arrays[name], equal_nan=True) for name in arrays)


FILES: dict[str, tuple[str | bytes, tuple[str, ...]]] = {
    "malformed": ('{"a": 1,\n "W" 2}', ("line 2", "column 6", "not JSON", "correct")),
    "cut off": ('{"a": [1, 2', ("line 1", "not JSON")),
    "empty": ("", ("line 1", "not JSON")),
    "NaN": ('{"a": "NaN",\n "x": NaN}', ("line 2, column 7", "NaN is no JSON", "null")),
    "Infinity": ('{"a\\"NaN": [1, -Infinity]}', ("line 1, column 16", "-Infinity is no JSON")),
    "twice": ('{"a": 1, "x": 2, "a": 1}', ("'a' twice", "keep one")),
    "twice inside": ('{"a": {"b": 1, "b": 2}}', ("'b' twice",)),
    "a list": ("[1, 2]", ("holds an array", "one object")),
    "a number": ("1", ("holds a whole number", "one object")),
    "null": ("null", ("holds null", "one object")),
    "nested object": ('{"a": {"b": 1}}', ("'a'", "object")),
    "string": ('{"a": [1, "2"]}', ("'a'[1]", "string '2'")),
    "boolean": ('{"a": true}', ("'a'", "boolean True")),
    "ragged": ('{"a": [[1, 2], [3]]}', ("'a'[1]", "1 entries")),
    "very deep": ('{"a": ' + "[" * 100_000, ("deep",)),
    "many digits": ('{"a": ' + "1" * 10_000 + "}", ("too long",)),
    "large": ('{"a": ' + "1" * 400 + "}", ("'a'", "1.8e308")),
    "no text": (b'{"a": 1,\n\xff}', ("line 2", "0xff", "UTF-8")),
    "one array": (b"\x93NUMPY\x01\x00", ("numpy.savez",)),
    "broken archive": (b"PK\x03\x04 and so on", ("archive", "numpy.savez")),
}


@pytest.mark.parametrize("name", FILES)
def test_wrong_files_are_refused(tmp_path: Path, name: str):
    content, words = FILES[name]
    path = write(tmp_path, content)
    with pytest.raises(oda.ModelError) as error:
        read_values(path)
    message = str(error.value)
    assert not [word for word in (str(path), *words) if word not in message], message
    assert len(message) < len(str(path)) + 300


def test_objects_in_an_archive_are_never_loaded(tmp_path: Path):
    np.savez(tmp_path / "values.npz", a=np.array([{"b": 1}], dtype=object))
    with pytest.raises(oda.ModelError, match="no archive of arrays of numbers"):
        read_values(tmp_path / "values.npz")


@pytest.mark.parametrize("name", ["none.json", ".", "a\0b"])
def test_a_file_that_is_not_there_is_named(tmp_path: Path, name: str):
    with pytest.raises(oda.ModelError, match="give the path of a file of values"):
        read_values(tmp_path / name)


def test_infinite_numbers_of_a_file_are_refused_when_bound(tmp_path: Path):
    given = read_values(write(tmp_path, '{"a": 1e999, "W": [[1,1],[1,1],[1,1]], "x": 1, "seen": [[1,1],[1,1],[1,1]]}'))
    with pytest.raises(oda.ModelError, match="value 'a' is infinite"):
        bind(problem(), given)


# ---------------------------------------------------------------- anything at all

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.complex_numbers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["a", "W", "x", "seen", "other"]), ANYTHING))
def test_any_values_are_bound_or_refused(given: dict[str, Any]):
    try:
        assert isinstance(bind(problem(), {**values(), **given}), Bound)
    except oda.ModelError as error:
        assert len(str(error)) < 500


@given(st.binary(max_size=60) | st.text(alphabet='{}[]":,0123456789.eE+-naNullInfity \n', max_size=60).map(str.encode))
def test_any_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes):
    path = write(tmp_path_factory.getbasetemp(), content)
    try:
        assert isinstance(read_values(path), dict)
    except oda.ModelError as error:
        assert str(path) in str(error)

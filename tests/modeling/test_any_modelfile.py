"""Any text at all is a problem or refused, never anything else."""

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

import odeanalysis as oda
from odeanalysis.modeling import modelfile
from odeanalysis.modeling.modelfile import loads
from odeanalysis.modeling.transforms import TRANSFORMS
from tests.modeling.files import CONTRACT, FLOW, GALERKIN, GROWTH, OBSERVED, REGULARIZE, SIGNAL

FULL = GROWTH + OBSERVED + GALERKIN + FLOW.replace("ld", "more").replace('"z"', '"v"') + REGULARIZE
SOURCES = [FULL, SIGNAL + GALERKIN + FLOW, *(read_path.read_text(encoding="utf-8") for read_path in sorted(CONTRACT.glob("*/model.toml")))]
TOKENS = ["[", "]", "{", "}", "=", '"', "'", ",", ".", "-", "\n", "#", "0", "1e9", "z", "k", "v", "x", "s", "(", ")", "*", "**", "@", ".T"]
TOKENS += [
    "true",
    "nan",
    "inf",
    "where(",
    "s < k",
    "> 0",
    "[0]",
    "[[objective.observations]]",
    "[parameters]",
    'kind = "flow"',
    "\u00e9",
    "\0",
]


def accepted_or_refused(text: str) -> None:
    try:
        assert isinstance(loads(text, "file"), oda.Problem)
    except (oda.ModelError, oda.DerivationError) as error:
        assert str(error).startswith("file") and len(str(error)) < 2000


@given(st.data())
def test_a_file_with_changes_is_accepted_or_refused(data: st.DataObject):
    text = data.draw(st.sampled_from(SOURCES))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        length = data.draw(st.sampled_from([0, 0, 1, 2, 5, 20]))
        text = text[:start] + data.draw(st.sampled_from(["", *TOKENS])) + text[start + length :]
    accepted_or_refused(text)


@given(st.data())
def test_a_file_with_lines_moved_is_accepted_or_refused(data: st.DataObject):
    lines = data.draw(st.sampled_from(SOURCES)).splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        line = lines.pop(data.draw(st.integers(0, len(lines) - 1)))
        lines[data.draw(st.integers(0, len(lines))) : 0] = [line] * data.draw(st.integers(0, 2))
    accepted_or_refused("\n".join(lines))


KEYS = st.sampled_from([*modelfile.KEYS, *modelfile.OBJECTIVE_KEYS, *modelfile.OBSERVATION_KEYS, "kind", "z", "k", "x"]) | st.text(
    max_size=3
)
TEXTS = st.sampled_from(["z", "-k*z", "1", "zeros(2)", "z > 0", "k[0]", "flow", "galerkin", "regularize", "stacked", ""]) | st.text(
    max_size=5
)
SCALARS = st.booleans() | st.integers() | st.floats() | TEXTS
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=8)
PARTS: dict[str, Any] = {
    "domain": [0, 1],
    "state": {"z": []},
    "parameters": {"k": []},
    "inputs": {"x": []},
    "field": {"z": "-k*z"},
    "initial": {"z": "x"},
    "objective": {"terminal": "z**2"},
}


def toml(value: Any) -> str:
    """A value as TOML writes it on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{quoted(key)} = {toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, str):
        return quoted(value)
    return str(value).lower()


def quoted(text: str) -> str:
    return json.dumps(text).replace("\\ud", "\\u0d").replace("\x7f", "\\u007f")


def document(parts: dict[str, Any]) -> str:
    return "".join(f"{quoted(key)} = {toml(value)}\n" for key, value in parts.items())


def test_the_writer_of_these_tests_writes_toml():
    assert loads(document(PARTS)) == loads(document(PARTS | {"breakpoints": [], "depth": "s"}))


@given(st.dictionaries(KEYS, VALUES, max_size=4))
@example({"domain": [0, True]})
def test_any_table_in_place_of_a_right_one_is_accepted_or_refused(parts: dict[str, Any]):
    accepted_or_refused(document(PARTS | parts))


VECTORS = {
    "state": {"z": [], "u": [2]},
    "parameters": {"k": [], "W": [2, 2]},
    "field": {"z": "-k*z", "u": "tanh(W @ u)"},
    "initial": {"z": "x", "u": "zeros(2)"},
}
# values that mean something under a key
LIKELY: dict[str, list[Any]] = {
    "state": ["z", "u"],
    "states": [["u"], ["z", "u"]],
    "parameters": [["k"], ["W"], ["x", "k"]],
    "basis": ["fourier", "hat", "monomial"],
    "knots": [[0, 1], [0, 0.5, 1]],
    "nodes": [[0, 1], [0, "k", 1]],
    "log_det": ["ld"],
    "derivatives": [["v"], ["v", "w"]],
    "begins": ["v"],
    "added": ["zeros(2)", "k*ones(2)"],
    "resize": [{"W": [3, 3]}, {"W": [4, 4]}],
    "data": ["x", "k*ones(2)"],
    "block": ["c"],
    "selected": [0, 1],
    "depth": ["k", "k*x"],
    "wrt": ["x", "k"],
    "jacobian": ["J", 0.1],
    "noise": ["e", ["e"]],
    "term": ["k**2", "sumsq(v)"],
    "field": [{"v": "u"}],
    "measure": ["absolute"],
}
OTHER = VALUES | st.sampled_from(["k", "z", "u", ["k"], ["z"], [0, 1], 3, 1, 0, -1, 0.5, {"v": 1}])


def under(key: str) -> st.SearchStrategy[Any]:
    """A value for a key, four times in five one that means something there."""
    likely = st.sampled_from(LIKELY.get(key, [1, 2, 0.5]))
    return st.integers(0, 4).flatmap(lambda draw: likely if draw else OTHER)


def table(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """A table of some kind: those keys that it must have, some of those that it may have, and at times another one."""
    keys = TRANSFORMS[kind].keys
    needed = {key: under(key) for key, must in keys.items() if must}
    optional = {key: under(key) for key in (*keys, "states") if key not in needed}
    return st.fixed_dictionaries({"kind": st.just(kind), **needed}, optional=optional)


@given(st.lists(st.sampled_from(sorted(TRANSFORMS)).flatmap(table), max_size=2))
@example([{"kind": "augment", "state": "u", "added": "zeros(2)", "resize": {"W": [4, 4]}}, {"kind": "flow", "state": "u", "log_det": "ld"}])
@example([{"kind": "total_jacobian", "state": "z", "wrt": "x", "jacobian": "J"}, {"kind": "adaptive_depth", "depth": "k*x"}])
@example([{"kind": "regularize", "term": "sumsq(v)", "field": {"v": "u"}, "measure": "absolute"}, {"kind": "unit_domain"}])
@example([{"kind": "higher_order", "state": "u", "derivatives": ["v"]}, {"kind": "data_control", "state": "u", "data": "x", "block": "c"}])
def test_any_transform_is_accepted_or_refused(transforms: list[dict[str, Any]]):
    accepted_or_refused(document(PARTS | VECTORS | {"transforms": transforms}))

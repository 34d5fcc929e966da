"""Names from anywhere become names that models allow, no two alike, and as near to what they were as can be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odeanalysis.importers.naming import Names, depth_among, readable
from odeanalysis.symbolic.language import RESERVED, is_name

READABLE = {
    "k": "k",
    "lambda": "lambda_",
    "pi": "pi_",
    "exp": "exp_",
    "_x": "x",
    "__lambda": "lambda_",
    "x_{12}": "x_12",
    r"\alpha": "alpha",
    "k'": "k",
    "2k": "x2k",
    "": "x",
    "α": "alpha",
    "λ": "lambda_",
    "Δt": "Deltat",
    "a__b_": "a__b_",
}


@pytest.mark.parametrize("name", READABLE)
def test_a_name_stays_as_near_as_can_be(name: str):
    assert readable(name) == READABLE[name]


WORDS = st.text(max_size=6) | st.sampled_from([*READABLE, *sorted(RESERVED), "k_2", "k_3", "s", "t"])


@given(st.lists(st.lists(WORDS, min_size=1, max_size=2), max_size=12))
def test_any_names_become_names_that_are_allowed_and_differ(wanted: list[list[str]]):
    names = Names(["t"])
    found = [names.fresh(*one) for one in wanted]
    assert all(map(is_name, found)) and len({*found, "t"}) == len(found) + 1


@given(st.sampled_from(sorted(RESERVED)) | st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,5}", fullmatch=True))
def test_a_name_that_is_allowed_and_free_stays(name: str):
    assert (Names().fresh(name) == name) == is_name(name)


def test_the_depth_gets_a_name_that_nothing_has():
    assert depth_among(["t", "x"], [], "f") == "t" and depth_among(["x"], ["t"], "f") == "s"
    assert depth_among([], ["t", "s", "time", "depth"], "f") == "t_2"

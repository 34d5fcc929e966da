"""`derive`: equations to be read, and formulas that go back through the parser."""

import re
from pathlib import Path

import pytest

from odeanalysis.symbolic.printing.program import parse_formula
from tests.cli.running import CONTRACT, GROWTH, LYNX_HARE, files, run

# every part of a gradient at once: moving ends, a break point and an observation that move, a cost and a start that know the depth
EVERYTHING = """
domain = ["s1", "1 + w"]
[state]
z = [2]
[parameters]
w = []
s1 = []
c = []
[inputs]
x = [2]
[field]
z = "where(s < c, z*w, -z)"
[initial]
z = "x*s"
[objective]
terminal = "s*sumsq(z)"
[[objective.observations]]
at = ["c/2"]
data = { seen = [2] }
cost = "sumsq(z - seen)"
"""
MODELS = [LYNX_HARE / "model.toml", *sorted(CONTRACT.glob("*/model.toml"))]


def text(model: Path, form: str = "text") -> str:
    outcome = run("derive", model, "--format", form)
    assert outcome.code == 0, outcome.err
    return outcome.out


def test_the_closed_form_is_derived_as_by_hand(tmp_path: Path):
    model, _ = files(tmp_path, GROWTH)
    lines = {line.strip() for line in text(model).splitlines()}
    wanted = {
        "z' = theta*z",
        "l = theta**2*z**2",
        "z(s0) = z0",
        "a_z(S) = 0",
        "dell/dtheta = int_s0^S dH/dtheta ds",
        "dell/dz0 = a(s0)^T dh/dz0",
    }
    assert wanted <= lines


def test_every_part_of_the_gradient_is_shown(tmp_path: Path):
    model, _ = files(tmp_path, EVERYTHING)
    found = text(model)
    wanted = (
        "dell/dw = int_s0^S dH/dw ds + sum_k dell/ds_k ds_k/dw",
        "dell/dc = sum_k dell/ds_k ds_k/dc",
        "dell/dseen = sum_s dL0/dseen",
        "ell_S = dell/dS = H(S) + dL/ds",
        "ell_s0 = dell/ds0 = -H(s0) + a(s0)^T dh/ds0",
        "H(s-) - H(s+), at c",
        "at c/2",
        "z' = where(s < c, w*z, -z)",
        "a_z' = where(s < c, -w*a_z, a_z)",
        "dH/dw = where(s < c, dot(a_z, z), 0)",
    )
    assert not [words for words in wanted if words not in found]


@pytest.mark.parametrize("form", ["text", "latex", "markdown", "html", "json"])
def test_no_generated_name_is_shown(tmp_path: Path, form: str):
    """Neither flags nor names with an underscore in front, in any form; the intermediate values are t1, t2, ..."""
    model, _ = files(tmp_path, EVERYTHING.replace("s*sumsq(z)", "tanh(s*sumsq(z))"))
    found = text(model, form)
    assert not re.search(r"(?<![\w{}\\])_[a-z]|piece|\\bar", found.replace("_cost", ""))
    assert ("t1 = " if form in ("text", "html") else "t_{1}" if form in ("latex", "markdown") else '"t1"') in found


@pytest.mark.parametrize("form", ["latex", "markdown", "html"])
def test_formulas_in_titles_are_mathematics(tmp_path: Path, form: str):
    model, _ = files(tmp_path, EVERYTHING)
    found = text(model, form)
    titles = [line for line in found.splitlines() if line.startswith(("\\paragraph", "## ", "<h2>"))]
    assert len(titles) == 11 and sum("math>" in title or "$" in title for title in titles) == 6
    assert not [title for title in titles if "circum" in title or "\\_" in title or "^T" in title]


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.parent.name)
def test_formulas_go_back_through_the_parser(model: Path):
    outcome = run("derive", model, "--format", "json")
    for step in outcome.document["steps"]:
        read = parse_formula(step["formula"])
        assert [name for name, _ in read.outputs] == [one["name"] for one in step["outputs"]]


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.parent.name)
def test_latex_is_balanced(model: Path):
    found = text(model, "latex")
    assert len(re.findall(r"\\begin\{", found)) == len(re.findall(r"\\end\{", found))
    assert found.count("\\left") == found.count("\\right") and found.count("\\[\n") == found.count("\n\\]")
    bare = re.sub(r"\\[{}]", "", found)
    assert bare.count("{") == bare.count("}")


def test_the_page_needs_nothing_else(tmp_path: Path):
    model, _ = files(tmp_path, EVERYTHING)
    page = text(model, "html")
    assert page.startswith("<!doctype html>") and "http" not in page and "&lt; c" in page

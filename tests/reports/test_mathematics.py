"""Formulas as MathML that browsers draw as LaTeX would."""

import re
import unicodedata
from xml.etree import ElementTree

import pytest

from odeanalysis.reports.derivation import title_html
from odeanalysis.reports.equations import IN_TITLES
from odeanalysis.reports.mathematics import BOLD, mathml


def read(latex: str, display: str = "block") -> ElementTree.Element:
    return ElementTree.fromstring(mathml(latex, display).replace("&nbsp;", " "))


def test_bold_letters_are_those_of_unicode():
    names = {letter: (unicodedata.name(letter), unicodedata.name(bold)) for letter, bold in BOLD.items()}
    assert len(names) == 26 + 26 + 10 + 24 + 25
    for plain, bold in names.values():
        kind, _, last = plain.rpartition(" ")
        size = "SMALL" if "SMALL" in kind else "CAPITAL" if "CAPITAL" in kind else "DIGIT"
        assert bold.startswith("MATHEMATICAL BOLD ") and bold.endswith(f"{size} {'FINAL ' * ('FINAL' in kind)}{last}")


@pytest.mark.parametrize(
    ("latex", "drawn"),
    [(r"\mathbf{z}", "𝐳"), (r"\mathbf{seen}", "𝐬𝐞𝐞𝐧"), (r"\mathbf{1}", "𝟏"), (r"\boldsymbol{\theta}", "𝜽"), (r"\mathbf{W}_{1}", "𝐖1")],
)
def test_arrays_are_bold(latex: str, drawn: str):
    found = read(latex)
    assert "".join(text for node in found.iter() if node.tag in ("mi", "mn") for text in node.itertext()) == drawn
    assert "mathvariant" not in mathml(latex)


def test_dots_stand_close_to_their_letters():
    found = read(r"\dot{\mathbf{a}}_{z} + \bar{y}")
    assert [node.get("accent") for node in found.iter("mover")] == ["true", "true"]


def test_names_and_transposes_are_no_operators_with_space_around():
    found = read(r"a^\top \det f + \operatorname{tr}(f)")
    assert [node.text for node in found.iter("mo")] == ["+", "(", ")"] and {"det", "tr", "⊤"} <= {node.text for node in found.iter("mi")}


def test_the_latex_is_kept():
    latex = r"\begin{aligned} a &= b < c \end{aligned}"
    assert "".join(note.text or "" for note in read(latex).iter("annotation")) == latex
    assert read("x", "inline").get("display") == "inline" and read("x").get("display") == "block"


def test_formulas_of_titles_are_drawn_and_words_are_escaped():
    for plain, latex in IN_TITLES.items():
        title = title_html(f"1. A <b> & {plain}, and more")
        assert title.startswith("1. A &lt;b&gt; &amp; <math") and title.endswith(", and more")
        assert plain not in re.sub("<annotation.*?</annotation>", "", title) and mathml(latex, "inline") in title

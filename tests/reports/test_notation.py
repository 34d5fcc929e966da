"""The mathematics of sentences: read as it is meant, nothing lost, and words left alone."""

import re
from html import unescape

import pytest

from odeanalysis.reports.mathematics import mathml
from odeanalysis.reports.notation import AROUND, GREEK, LARGE, SYMBOLS
from odeanalysis.reports.sentences import SHORT, pieces, typeset
from odeanalysis.verification.claims import CLAIMS

NOTE = re.compile("<annotation.*?</annotation>")
TAG = re.compile("<[^>]*>")


def formulas(sentence: str) -> list[str]:
    return [text for is_formula, text in pieces(sentence) if is_formula]


def words(sentence: str) -> str:
    return "".join(text for is_formula, text in pieces(sentence) if not is_formula)


READ = {
    "dell/dtheta": r"\frac{d \ell}{d \theta}",
    "a(s0)^T dh/dtheta": r"a(s_{0})^{\top} \frac{dh}{d \theta}",
    "int_{s0}^{S} (a^T f_z) ds": r"\int_{s_{0}}^{\,S} (a^{\top} f_{z})\, ds",
    "int (a^T df/dx) ds": r"\int \left( a^{\top} \frac{df}{dx} \right)\, ds",
    "a'^T(s) = -a^T f": r"a'^{\top}(s) = {-a^{\top} f}",
    "a(s_i-) - a(s_i+)": r"a(s_{i}^{-}) - a(s_{i}^{+})",
    "|f(., x) - w|^2 <= L |z|": r"\left|f(\cdot, x) - w\right|^{2} \leq L \left|z\right|",
    "|a| b |f(2 |x|)|": r"\left|a\right| b \left|f(2 \left|x\right|)\right|",
    "|x| - |y| + |z|": r"\left|x\right| - \left|y\right| + \left|z\right|",
    "D ell[v] = int <g, v> ds": r"D \ell[v] = \int \left\langle g, v \right\rangle\, ds",
    "x -> phi_{g_omega(x)}(x)": r"x \to \phi_{g_{\omega}(x)}(x)",
    "y^ = h_y(x)": r"\hat{y} = h_{y}(x)",
    "d^2 z/ds^2 = f": r"\frac{d^{2} z}{ds^{2}} = f",
    "d/ds log det J": r"\frac{d}{ds}\, \log\, \det\, J",
    "2 |x| / eps": r"\frac{2 \left|x\right|}{\varepsilon}",
    "(e^L - 1)/(2 L)": r"\frac{e^{L} - 1}{2 L}",
    "(a + b)(c + d)/2": r"\frac{(a + b)(c + d)}{2}",
    "1/sqrt(N)": r"\frac{1}{\sqrt{N}}",
    "m = abs J(1)": r"m = \left|J(1)\right|",
    "s^(-2/5)": "s^{-2/5}",
    "R^{n_z/n}": r"\mathbb{R}^{n_{z}/n}",
    "z_q'' + z^i'": "z_{q}'' + {z^{i}}'",
    "H_ztheta v + ds_end": r"H_{z \theta} v + ds_{\mathrm{end}}",
    "sum_{j=1}^m alpha_j (.) psi_j": r"\sum_{j = 1}^{m} \alpha_{j} \odot \psi_{j}",
    "nabla . f": r"\nabla \cdot f",
    "h_x := [x, 0]": r"h_{x} \coloneqq [x, 0]",
    "xi : R^n": r"\xi : \mathbb{R}^{n}",
    "tr^2 - 4 det <= 0": r"\operatorname{tr}^{2} - 4\, \det \leq 0",
    "z = [z^1, ..., z^n]": r"z = [z^{1}, \ldots, z^{n}]",
    "p**2*z + W @ x": r"p^{2} \, z + W \, x",
    "int L e^{-theta s}": r"\int L e^{-\theta s}",
    "p*erf(q*x) + atan(z)": r"p \, \operatorname{erf}(q \, x) + \arctan(z)",
    "where(s < 1, p*z, -p)": r"\operatorname{where}(s < 1, p \, z, {-p})",
    "eps = 1e-06": r"\varepsilon = 10^{-6}",
    "z = -1.78e-05 x": r"z = {-1.78 \cdot 10^{-5} x}",
    "maximum(z, x)": r"\max(z, x)",
    "grad_theta = dH/dtheta": r"\nabla_{\theta} = \frac{dH}{d \theta}",
    "grad_z0 = a_z1": r"\nabla_{z_{0}} = a_{z_{1}}",
}


@pytest.mark.parametrize("text", READ)
def test_a_formula_is_read_as_it_is_meant(text: str):
    assert " ".join(part.removeprefix("{}") for part in formulas(text)) == READ[text] and not words(text).strip()


# a sentence, and the formulas in it
MIXED = {
    "For all z and w, a path of one of them": ["z", "w"],
    "a continuous at the nodes, a(s) at S": ["a(s)", "S"],
    "the costate a is A x, z' = A x for a, k > 0": ["a", "x", "z' = A x", "a", "k > 0"],
    "in (1), that is (exact: z' = 1)": ["z' = 1"],
    "i.e. the sum over s, since asin is at least -1 (Sec. 5)": ["s"],
    "the sup over |x| = R of it (no more": [r"\left|x\right| = R"],
    "0-augmentation, vector-Jacobian and the x-axis": [],
    "Picard's map, from 0 to 1, on [0, 1]": [],
    "h (by hand) and h_x(x) (4) (...)": ["h", "h_{x}(x)"],
    "x in R at S": ["x", r"\mathbb{R}", "S"],
    "sigmoid(-s/2) of R": [r"\operatorname{sigmoid}\left( {-\frac{s}{2}} \right)", "R"],
    "the step h, where z is 1 (a sigmoid (4))": ["h", "z"],
    "it is |z - w": ["z - w"],
}


@pytest.mark.parametrize("text", MIXED)
def test_words_are_left_alone(text: str):
    assert formulas(text) == MIXED[text]


def test_only_long_formulas_may_be_divided_before_their_signs():
    short, long = "dell/dx = a + b", "dell/dx = a(s0)^T dh/dx + int (a^T f_x + l_x) ds"
    assert len(short) <= SHORT < len(long) and len(formulas(short)) == 1
    assert [part[:3] for part in formulas(long)] == ["\\fr", "{}=", "{}+"]


def test_a_sentence_is_safe_html():
    assert typeset("<no> & z") == "&lt;no&gt; &amp; " + mathml("z", "inline") + "<wbr>"


# ---------------------------------------------------------------- all that the claims say

STATED = sorted(
    {
        *(claim.title for claim in CLAIMS.values()),
        *(claim.corrected for claim in CLAIMS.values()),
        *(claim.printed for claim in CLAIMS.values() if claim.printed),
        *(one for claim in CLAIMS.values() for one in claim.hypotheses),
        *(one.checked for claim in CLAIMS.values() for one in claim.rests_on),
    }
)
NOTATION = re.compile(r"[_^=<>|*]|\b(int|dell|d[a-z]/d\w+|[b-zB-HJ-Z])\b(?!\.)|(?<=\w)'")
SAID = re.compile(r"'s\b|'acting as a regularizer'|= sum over all")


@pytest.mark.parametrize("text", STATED, ids=[text[:30] for text in STATED])
def test_no_notation_is_left_among_the_words_of_a_statement(text: str):
    assert not NOTATION.search(SAID.sub("", words(text)))


CHARACTERS = {unescape(TAG.sub("", NOTE.sub("", mathml(SYMBOLS[name], "inline")))): name for name in (*GREEK, "ell", "nabla", "eps")}
CHARACTERS |= {unescape(TAG.sub("", NOTE.sub("", mathml(LARGE[name], "inline")))): name for name in LARGE} | {
    "⊤": "T",
    "ℝ": "R",
    "arcsin": "asin",
}


def letters(text: str) -> str:
    """The letters and digits of a sentence, in their order, names written out."""
    for drawn, name in CHARACTERS.items():
        text = text.replace(drawn, name)
    return re.sub(rf"\b({'|'.join(AROUND)})\b|\W|_", "", text)


@pytest.mark.parametrize("text", STATED, ids=[text[:30] for text in STATED])
def test_nothing_of_a_statement_is_lost(text: str):
    drawn = unescape(TAG.sub("", NOTE.sub("", str(typeset(text)))))
    assert letters(drawn) == letters(text)

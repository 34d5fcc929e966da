"""The page of claims: complete, escaped, well-formed, and in need of nothing else."""

import re
from dataclasses import replace

import pytest

from odeanalysis.reports.claims import page
from odeanalysis.reports.mathematics import mathml
from odeanalysis.reports.panels import svg
from odeanalysis.verification.claim import Check, Theorem
from odeanalysis.verification.figure import Figure, convergence, line
from odeanalysis.verification.proof import Step
from odeanalysis.verification.report import Finding, Report
from tests.reports.balance import Balance

FIGURE = Figure(
    "rise & fall", "s", "z", (line("up", [0, 1], [0, 1]), line("down", [0, 1], [1, 0], "dashed"), line("at", [0.5], [0.5], "points"))
)
REPORT = Report(
    id="reflection",
    title="Some <b>title</b>",
    printed="x < y & z",
    corrected="x > y",
    verdict="holds as corrected",
    checks=(Check("proof: one", 0.0, 0.0, True), Check("measured <well>", 1e-12, 1e-9, True), Check("lost", float("nan"), 1.0, None)),
    counterexample={"field": {"z": "p*z", "y": "1"}, "value": 1 / 3, "ends": [0.5, [1, "s"]], "<both>": {"ways": {"SciPy": 2.0}}},
    seconds=1.25,
    source="a book",
    hypotheses=("f < g",),
    rests_on=(Theorem("Picard", "a course", "on instances"),),
    proof=(
        Step("an identity", True, "symbolic", r"\frac{d}{d s} z = \sin{\left(s \right)}"),
        Step("a fact", True, "structural"),
        Step("a gap", False, "undecided"),
    ),
    figures=(FIGURE, FIGURE),
    beside=(Finding("a <claim> more", "x > z", "unsupported", "x > y + z", {"x": "no & none"}),),
)
WRITTEN = replace(
    REPORT,
    checks=(Check("corrected, SciPy: z' = p_1*erf(z)", 0.0, 1.0, True),),
    counterexample={"theta_1": {"z": "p_2"}},
    beside=(Finding("q_1 > 1", "q_2 > 1", "unsupported", "q_3 > 1", {"x_1": {"y": "x_2"}}),),
    proof=(Step("z_1 = 1", True, "symbolic", "z"), Step("grad_p = dH/dp", True, "symbolic")),
    figures=(Figure("y_1 at |s|", "s_1", "s_2", (line("z_3 from 1", [0, 1], [0, 1]),)),),
)


@pytest.fixture(scope="module")
def shown():
    return page({"reflection": REPORT})


def test_the_page_is_well_formed(shown):
    balance = Balance()
    balance.feed(shown)
    assert not balance.open and not balance.wrong
    assert len(balance.ids) == len(set(balance.ids))


def test_the_page_needs_nothing_from_elsewhere(shown):
    assert "http" not in shown and not re.search(r'(src|href)="(?!#)', shown) and "url(" not in shown.replace("url(#", "")


SAID = """Some &lt;<math|title&lt;/<math|>x &gt; y</annotation>|holds as corrected|a book|f &lt; g|Picard|on instances
an identity <span class="way">symbolic</span>|a fact <span class="way">structural</span>|a gap (fails) <span class="way">undecided</span>
&lt;claim&gt; more|>unsupported<|x &gt; y + z|no &amp; none|measured &lt;well&gt;|1e-12|undecided|rise &amp; fall|2/3|<math|<svg
The Hamiltonian|</math><wbr>: 1</div>|<div>0.3333333333</div>|<div>0.5, 1, <math|<th>&lt;both&gt;</th>|<div>ways: SciPy: 2</div>"""


@pytest.mark.parametrize("text", re.split(r"[|\n]", SAID))
def test_everything_is_said(shown, text):
    assert text in shown


def test_no_notation_is_left_as_it_was_typed():
    """In all places of the page where words stand; the LaTeX that formulas keep is another matter."""
    read = re.sub(
        r"<style[^>]*>.*?</style>|<title>.*?</title>|<annotation.*?</annotation>|<[^>]*>",
        "",
        page({"reflection": WRITTEN}),
        flags=re.DOTALL,
    )
    assert not re.findall(r"\w*[_|*]\w*|\w'|\berf\(", read)


def folded(shown: str) -> list[tuple[str, bool, str]]:
    """What is folded: its heading, whether it stands open, and what follows the heading."""
    found = re.findall(r"<details( open)?><summary>([^<]*)</summary></details>\s*<div class=\"folded\">(?=(.{,200}))", shown, re.DOTALL)
    return [(heading, bool(is_open), rest) for is_open, heading, rest in found]


def test_what_is_folded_stands_outside_of_what_browsers_do_not_print(shown):
    """Behind the heading, hidden on screens alone; open where something in it failed."""
    found = folded(shown)
    assert [(heading, is_open) for heading, is_open, _ in found] == [
        ("The derivation, on one problem", False),
        ("2 further steps of proof", True),
        ("2 measurements with their bounds", True),
    ]
    assert shown.count("<details") == len(found) and "a fact" in found[1][2] and "<table" in found[2][2]
    assert "@media screen { details:not([open]) + .folded { display: none } }" in shown


MANY = Figure("many", "s", "z", tuple(line(f"path {i}", [0, 1], [0, i], "dashed" if i % 2 else "line") for i in range(12)))


def test_every_line_of_a_figure_is_named():
    shown = page({"reflection": replace(REPORT, figures=(MANY,))})
    entries = re.findall(r"<li><svg class=\"key\".*?color: (var\(--line-\d\)).*?</svg><span>(path \d+)</span></li>", shown)
    assert [label for _, label in entries] == [one.label for one in MANY.lines]
    drawn = svg(MANY, "many")
    assert all(f"stroke: {color}" in drawn for color, _ in entries) and shown.count('stroke-dasharray="6 3.6"') == 6


def test_numbers_at_logarithmic_axes_are_text():
    drawn = svg(convergence("c", [0.1, 1e-3], {"heun2": [1e-2, 1e-12]}, {"heun2": 2}), "c")
    assert ">10⁻³<" in drawn and ">10⁻¹²<" in drawn
    short = svg(convergence("c", [0.1, 0.04], {"heun2": [1, 12]}, {"heun2": 2}), "c")
    assert ">5·10⁻²<" in short and ">10⁻¹<" in short and ">10<" in short


def test_formulas_keep_their_latex():
    drawn = mathml(r"\begin{aligned} a &= b < c \\ \mathbf{z} &\in \mathbb{R}^{2} \end{aligned}")
    assert (
        drawn.count("<mtr>") == 2
        and r"b &lt; c" in drawn
        and "xmlns" not in drawn
        and drawn.startswith("<math")
        and drawn.endswith("</math>")
    )


def test_figures_take_their_colours_from_the_page():
    drawn = svg(FIGURE, "one")
    assert "var(--line-0)" in drawn and "var(--ink)" in drawn and not re.search(r"#[0-9a-f]{6}\b", drawn)
    assert drawn == svg(FIGURE, "one") and drawn.startswith("<svg") and drawn.endswith("</svg>")


def test_convergence_has_a_guide_for_each_order():
    figure = convergence("c", [0.1, 0.05], {"heun2": [1e-2, 2.5e-3]}, {"heun2": 2})
    assert [one.kind for one in figure.lines] == ["points", "dashed"] and figure.lines[1].y == pytest.approx((1e-2, 2.5e-3))

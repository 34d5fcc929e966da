"""A derived problem, step by step, in the forms that can be read, pasted into a paper, or parsed."""

import json
from collections.abc import Callable
from html import escape
from typing import Any

from odeanalysis.derivations.derived import DerivedProblem
from odeanalysis.reports.equations import Step, gradients, steps, title_latex, title_parts
from odeanalysis.reports.mathematics import mathml
from odeanalysis.reports.pages import page
from odeanalysis.symbolic.formula import name_of
from odeanalysis.symbolic.nodes import shape_of
from odeanalysis.symbolic.printing.program import formula_text
from odeanalysis.symbolic.printing.text import text

LAST = "The gradient"
INDENT = "    "


def as_text(derived: DerivedProblem) -> str:
    """Plain text: a numbered title and the equations of each step, in the language of model files."""
    heading = _heading(derived)
    sections = [*((step.title, step.lines) for step in steps(derived)), (LAST, _gradient_lines(derived))]
    parts = ["\n".join([f"{i}. {title}", "", *(INDENT + line for line in lines)]) for i, (title, lines) in enumerate(sections, start=1)]
    return "\n\n".join([f"{heading}\n{'=' * len(heading)}", *parts])


def _gradient_lines(derived: DerivedProblem) -> list[str]:
    return [f"{left.text} = {right.text}" for left, right in gradients(derived)]


def as_latex(derived: DerivedProblem) -> str:
    """LaTeX for the body of a document that loads amsmath and amssymb."""
    parts = [rf"\paragraph{{{title_latex(title)}}}" + f"\n\\[\n{body}\n\\]" for title, body in _sections(derived)]
    return "\n\n".join([rf"\section*{{{title_latex(_heading(derived))}}}", *parts])


def as_markdown(derived: DerivedProblem) -> str:
    """Markdown with formulas in dollar signs."""
    parts = [f"## {title_latex(title, plain=str)}\n\n$$\n{body}\n$$" for title, body in _sections(derived)]
    return "\n\n".join([f"# {_heading(derived)}", *parts])


def _sections(derived: DerivedProblem) -> list[tuple[str, str]]:
    """Numbered titles and LaTeX."""
    found = [*((step.title, step.latex) for step in steps(derived)), (LAST, _gradient_latex(derived))]
    return [(f"{i}. {title}", body) for i, (title, body) in enumerate(found, start=1)]


def _gradient_latex(derived: DerivedProblem) -> str:
    rows = " \\\\\n".join(f"{left.latex} &= {right.latex}" for left, right in gradients(derived))
    return f"\\begin{{aligned}}\n{rows}\n\\end{{aligned}}"


def as_html(derived: DerivedProblem) -> str:
    """One page that needs nothing else: each step in mathematics that browsers draw, with its text and its LaTeX folded below."""
    texts = [*(step.lines for step in steps(derived)), _gradient_lines(derived)]
    sections = [
        {"title": title_html(title), "mathml": mathml(latex), "lines": lines, "latex": latex}
        for (title, latex), lines in zip(_sections(derived), texts, strict=True)
    ]
    return page("derivation.html", title=_heading(derived), sections=sections)


def title_html(title: str) -> str:
    """A title, its formulas in mathematics that browsers draw."""
    return "".join(mathml(part, "inline") if is_formula else escape(part) for is_formula, part in title_parts(title))


def as_json(derived: DerivedProblem) -> str:
    """One JSON object: the steps with inputs, lets and outputs, as text that is parsed back and as LaTeX."""
    found = [_document(step) for step in steps(derived)]
    total = {left.text: right.text for left, right in gradients(derived)}
    document = {"name": derived.problem.name, "kind": derived.kind, "steps": found, "gradient": total}
    return json.dumps(document, ensure_ascii=False, indent=1)


def _document(shown: Step) -> dict[str, Any]:
    step = shown.formula
    return {
        "title": shown.title,
        "name": step.name,
        "inputs": {name_of(leaf): _shape(leaf) for leaf in step.inputs},
        "lets": [{"name": name_of(leaf), "shape": _shape(leaf), "text": text(value)} for leaf, value in step.lets],
        "outputs": [
            {"name": name, "label": shown.labels[name].text, "shape": _shape(value), "text": text(value)} for name, value in step.outputs
        ],
        "formula": formula_text(step),
        "latex": shown.latex,
    }


def _shape(expression: Any) -> list[Any]:
    return [size if isinstance(size, int) else str(size) for size in shape_of(expression)]


def _heading(derived: DerivedProblem) -> str:
    return f"{derived.problem.name}: {derived.kind}"


FORMATS: dict[str, Callable[[DerivedProblem], str]] = {
    "text": as_text,
    "latex": as_latex,
    "markdown": as_markdown,
    "html": as_html,
    "json": as_json,
}

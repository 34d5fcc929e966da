"""LaTeX as MathML, which browsers draw without anything from the network."""

from html import escape

ALIGNED = {r"\begin{aligned}": r"\begin{align*}", r"\end{aligned}": r"\end{align*}"}


def mathml(latex: str, display: str = "block") -> str:
    """A formula, displayed or (`inline`) in a line; its LaTeX is kept in it as an annotation, so that it can be copied."""
    from latex2mathml.converter import convert

    source = latex
    for name, known in ALIGNED.items():
        source = source.replace(name, known)
    drawn = convert(source, display=display).replace(' xmlns="http://www.w3.org/1998/Math/MathML"', "")
    note = f'<annotation encoding="application/x-tex">{escape(latex)}</annotation>'
    opening = f'<math display="{display}">'
    return f"{opening}<semantics>{drawn.removeprefix(opening).removesuffix('</math>')}{note}</semantics></math>"

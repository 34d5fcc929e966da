"""LaTeX as MathML, which browsers draw without anything from the network."""

import re
from functools import lru_cache
from html import escape, unescape

ALIGNED = {r"\begin{aligned}": r"\begin{align*}", r"\end{aligned}": r"\end{align*}"}
# browsers know no bold variant of a letter, but fonts have bold letters: first plain letter, how many, first bold one
ALPHABETS = (
    ("A", 26, 0x1D400),
    ("a", 26, 0x1D41A),
    ("0", 10, 0x1D7CE),
    ("\N{GREEK CAPITAL LETTER ALPHA}", 17, 0x1D71C),
    ("\N{GREEK CAPITAL LETTER SIGMA}", 7, 0x1D72E),
    ("\N{GREEK SMALL LETTER ALPHA}", 25, 0x1D736),
)
BOLD = {chr(ord(first) + i): chr(bold + i) for first, count, bold in ALPHABETS for i in range(count)}
NAME = re.compile(r'<mo(?: movablelimits="true")?>([A-Za-z]{2,}|&#x022A4;)</mo>')
LETTER = re.compile(r'<(m[in]) mathvariant="bold(?:-italic)?">([^<]*)</\1>')


@lru_cache(maxsize=8192)
def mathml(latex: str, display: str = "block") -> str:
    """A formula, displayed or (`inline`) in a line; its LaTeX is kept in it as an annotation, so that it can be copied."""
    from latex2mathml.converter import convert

    source = latex
    for name, known in ALIGNED.items():
        source = source.replace(name, known)
    drawn = convert(source, display=display).replace(' xmlns="http://www.w3.org/1998/Math/MathML"', "")
    note = f'<annotation encoding="application/x-tex">{escape(latex)}</annotation>'
    opening = f'<math display="{display}">'
    return f"{opening}<semantics>{_tuned(drawn.removeprefix(opening).removesuffix('</math>'))}{note}</semantics></math>"


def _tuned(drawn: str) -> str:
    """With letters that are bold everywhere, accents close to what they stand on, and names and transposes without an operator's space."""
    return NAME.sub(r"<mi>\1</mi>", LETTER.sub(_bold, drawn)).replace("<mover>", '<mover accent="true">')


def _bold(found: re.Match[str]) -> str:
    letters = unescape(found[2])
    return f"<{found[1]}>{''.join(BOLD.get(letter, letter) for letter in letters)}</{found[1]}>"

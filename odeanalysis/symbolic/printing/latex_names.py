"""Names as LaTeX: Greek letters, upright words, digits and further words as subscripts; arrays in bold."""

import re
from typing import NamedTuple

LETTERS = (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi rho sigma tau upsilon phi varphi chi psi "
    "omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
)
GREEK = {**{name: rf"\{name}" for name in LETTERS.split()}, "lamda": r"\lambda", "ell": r"\ell"}
ACCENTS = {"_bar_": r"\bar", "_dot_": r"\dot"}
NUMBERED = re.compile(r"([^\W\d_]+)(\d+)")
SPECIAL = {
    **{letter: f"\\{letter}" for letter in "_#$%&{}"},
    "\\": r"\backslash{}",
    "^": r"\hat{}",
    "~": r"\sim{}",
}
TEXT = {**SPECIAL, "\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}"}


class Name(NamedTuple):
    """The letter or word of a name, and what stands below it."""

    base: str
    below: tuple[str, ...] = ()

    @property
    def latex(self) -> str:
        return f"{self.base}_{{{','.join(self.below)}}}" if self.below else self.base


def name_latex(name: str, bold: bool = False) -> str:
    r"""A name: `alpha` is \alpha, `hare0` \mathrm{hare}_{0}, the generated `_t1` t_{1}, `_bar_W` \bar{W}."""
    return _read(name, bold).latex


def escaped(text: str, table: dict[str, str] = TEXT) -> str:
    """A text whose letters LaTeX takes for themselves."""
    return "".join(table.get(letter, letter) for letter in text if letter.isprintable())


def _read(name: str, bold: bool) -> Name:
    for prefix, accent in ACCENTS.items():
        if name.startswith(prefix) and len(name) > len(prefix):
            base, below = _read(name[len(prefix) :], bold)
            return Name(f"{accent}{{{base}}}", below)
    first, *rest = [part for part in name.split("_") if part] or ["_"]
    word, digits = _numbered(first)
    return Name(_letter(word, bold), (*digits, *map(_index, rest)))


def _numbered(part: str) -> tuple[str, tuple[str, ...]]:
    found = NUMBERED.fullmatch(part)
    return (found[1], (found[2],)) if found else (part, ())


def _index(part: str) -> str:
    """A further part of a name, as it stands below."""
    word, digits = _numbered(part)
    return part if part.isdigit() else Name(_letter(word, False), digits).latex


def _letter(word: str, bold: bool) -> str:
    if word in GREEK:
        return rf"\boldsymbol{{{GREEK[word]}}}" if bold else GREEK[word]
    if len(word) == 1 and word.isascii() and word.isalpha() and not bold:
        return word
    return rf"\{'mathbf' if bold else 'mathrm'}{{{escaped(word, SPECIAL)}}}"

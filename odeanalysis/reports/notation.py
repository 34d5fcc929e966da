"""The notation of statements as LaTeX: `dell/dtheta = int (a^T df/dtheta + dl/dtheta) ds`.

    relation = sum, (relation sign, sum)*;  sum = [-] product, (+ or -, product)*;  product = quotient, (times, quotient)*
    quotient = power, (/, power)*;  power = base, (subscript, superscript, prime, arguments)*

A space before a slash makes it divide by what follows all that stands before it in the product.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

GREEK = re.findall(r"\w+", "alpha beta gamma delta epsilon eta theta lambda mu nu xi pi rho sigma tau phi chi psi omega")
SYMBOLS = {name: f"\\{name}" for name in (*GREEK, "nabla", "ell")} | {
    "grad": r"\nabla",
    "eps": r"\varepsilon",
    "Lx": "L_{x}",
    "Lz": "L_{z}",
}
FUNCTIONS = {name: f"\\{name}" for name in ("exp", "ln", "log", "det", "sup", "max", "min", "sin", "cos", "sinh", "cosh", "tanh")}
FUNCTIONS |= {name: f"\\operatorname{{{name}}}" for name in ("tr", "div", "diag", "sign", "Cov", "Var")} | {"asin": r"\arcsin"}
# what else the language of models calls; without a bracket behind them they may be words
CALLED = {name: f"\\operatorname{{{name}}}" for name in ("erf", "sigmoid", "softplus", "relu", "elu", "gelu", "silu", "step", "where")}
CALLED |= {"acos": r"\arccos", "atan": r"\arctan", "maximum": r"\max", "minimum": r"\min"}
AROUND = {"abs": r"\left|%s\right|", "sqrt": r"\sqrt{%s}"}
LARGE = {"int": r"\int", "sum": r"\sum"}
OPERATORS = {*FUNCTIONS, *AROUND, *LARGE}
RELATIONS = {"=": "=", "<": "<", ">": ">", "<=": r"\leq", ">=": r"\geq", "->": r"\to", ":=": r"\coloneqq", ":": ":"}
TIMES = {"(.)": r"\odot", "*": r"\,", "@": r"\,", ".": r"\cdot"}
BRACKETS = {"(": ")", "[": "]", "<": ">"}
DRAWN = {"<": r"\langle", ">": r"\rangle"}
THIN = r"\,"
NAMED = re.compile("|".join(map(re.escape, FUNCTIONS.values())))
TALL = re.compile(r"\\(frac|int|sum)")
ARTICLES = ("a", "A", "I")
AFTER_NAMES = set(re.findall(r"\w+", "is are has have of in at and or with where for to from along"))  # no article stands before them
WORDS = ("do",)  # what reads like a differential
TOKEN = re.compile(
    r"""(?P<gap>\s*)(?P<text>
    (?:[^\W\d_]\.){2,} | \w*[^\W_]-[^\W\d_]{2,}[\w-]*        # i.e., vector-Jacobian
    | (?<!\S)\(\d+\) | \(\.\.\.\) | '[st]\b                   # the number of an equation, what is left out, possessives
    | \.\.\. | \(\.\) | -> | <= | >= | := | \*\*
    | \d+(?:\.\d+)?(?:e-?\d+)? | [^\W\d_]+ | \S)""",
    re.VERBOSE,
)

Read = tuple[str, int]  # LaTeX, and the token behind what was read


@dataclass(frozen=True)
class Token:
    """A word, number or sign, and the space before it."""

    gap: str
    text: str

    @property
    def is_word(self) -> bool:
        return len(self.text) > 1 and self.text[0].isalpha() and self.text not in OPERATORS and symbol(self.text) is None

    @property
    def is_number(self) -> bool:
        return self.text[0].isdigit() and "-" not in self.text.replace("e-", "")


END = Token(" ", "\n")


def tokens(sentence: str) -> list[Token]:
    return [Token(found["gap"], found["text"]) for found in TOKEN.finditer(sentence)]


def symbol(word: str) -> str | None:
    """The LaTeX of a name, or of a differential: a letter, a Greek one, or d before one of them."""
    if word in SYMBOLS or (len(word) == 1 and word.isalpha()):
        return SYMBOLS.get(word, word)
    rest = symbol(word[1:]) if word[0] == "d" and word not in WORDS and len(word) > 1 else None
    return None if rest is None else f"d{rest}" if len(rest) == 1 else f"d {rest}"


class Reader:
    """Formulas among the tokens of a sentence. Each method reads one from a place, as far as it goes, or returns None."""

    def __init__(self, found: list[Token]):
        self.tokens = found
        self.scripts = 0  # within which fractions lie on the line

    def at(self, i: int) -> Token:
        return self.tokens[i] if i < len(self.tokens) else END

    def text(self, i: int) -> str:
        return self.at(i).text

    def is_glued(self, i: int) -> bool:
        return i < len(self.tokens) and not self.at(i).gap

    def formula(self, i: int) -> tuple[list[str], int] | None:
        """A formula in parts, each with the sign before it, between which a line may end."""
        if self.text(i) == "<" or (self.is_article(i) and self.text(i + 1)[0].isalpha() and self.text(i + 1) not in AFTER_NAMES):
            return None
        found = self.parts(i)
        return found if found and any(self.names(k) for k in range(i, found[1])) else None

    def names(self, i: int) -> bool:
        """Whether a token makes a formula of what would else be numbers in brackets."""
        return self.at(i).text[0].isalpha() or self.text(i) in RELATIONS

    def is_article(self, i: int) -> bool:
        return self.text(i) in ARTICLES and not self.is_glued(i + 1)

    # ------------------------------------------------------------ sums and relations

    def parts(self, i: int) -> tuple[list[str], int] | None:
        """The terms of a relation."""
        found = self.terms(i)
        if found is None:
            return None
        parts, i = found
        while (sign := RELATIONS.get(self.text(i))) and (sign != ":" or not self.is_glued(i)) and (right := self.terms(i + 1)):
            (first, *others), i = right
            parts += [f"{sign} {first}", *others]
        return parts, i

    def relation(self, i: int) -> Read | None:
        found = self.parts(i)
        return None if found is None else (" ".join(found[0]), found[1])

    def sum(self, i: int) -> Read | None:
        found = self.terms(i)
        return None if found is None else (" ".join(found[0]), found[1])

    def terms(self, i: int) -> tuple[list[str], int] | None:
        sign = self.text(i) if self.text(i) in "+-" else ""
        found = self.product(i + len(sign))
        if found is None:
            return None
        terms, i = [f"{{{sign}{found[0]}}}" if sign and not self.scripts else sign + found[0]], found[1]
        while (sign := self.text(i)) in "+-" and (found := self.product(i + 1)):
            terms.append(f"{sign} {found[0]}")
            i = found[1]
        return terms, i

    # ------------------------------------------------------------ products and fractions

    def product(self, i: int) -> Read | None:
        found = self.quotient(i)
        while found is not None:
            latex, i = found
            if self.text(i) == "/" and (below := self.quotient(i + 1)):
                found = self.fraction(latex, below[0]), below[1]
            elif (sign := self.times(i)) and (right := self.quotient(i + 1)):
                found = f"{latex} {sign} {right[0]}", right[1]
            elif self.follows(i, latex) and (right := self.quotient(i)):
                space = THIN if NAMED.match(right[0]) or self.ends(i, latex) else ""
                found = f"{latex}{space} {right[0]}", right[1]
            else:
                return found
        return None

    def times(self, i: int) -> str | None:
        """A sign of a product; a point is one only between spaces."""
        loose = self.text(i) != "." or not (self.is_glued(i) or self.is_glued(i + 1))
        return TIMES.get(self.text(i)) if loose else None

    def follows(self, i: int, latex: str) -> bool:
        """Whether what stands next may be a factor; numbers stand first, or behind an integral."""
        if self.at(i).is_number or self.text(i) == "<":
            return self.text(i + 1) == "_" or bool(re.search(r"\\(int|sum)(_\S+|\^\S+)*$", latex))
        return self.text(i) in "([|" or self.text(i)[0].isalpha()

    def ends(self, i: int, latex: str) -> bool:
        """Whether a differential ends an integral here."""
        word = self.text(i)
        alone = len(word) > 1 and word[0] == "d" and word not in FUNCTIONS and symbol(word) and self.text(i + 1) != "/"
        return bool(alone) and r"\int" in latex

    def quotient(self, i: int) -> Read | None:
        found = self.power(i)
        while found is not None and self.text(found[1]) == "/" and self.is_glued(found[1]) and (below := self.power(found[1] + 1)):
            found = self.fraction(found[0], below[0]), below[1]
        return found

    def fraction(self, above: str, below: str) -> str:
        return f"{above}/{below}" if self.scripts else rf"\frac{{{_bare(above)}}}{{{_bare(below)}}}"

    # ------------------------------------------------------------ powers

    def power(self, i: int) -> Read | None:
        found = self.base(i)
        if found is None:
            return None
        latex, i = self.scripted(*found)
        if re.fullmatch(r"d\^\{.*\}", latex) and (moved := self.power(i)):
            return f"{latex} {moved[0]}", moved[1]  # the numerator of a higher derivative
        return latex, i

    def scripted(self, latex: str, i: int) -> Read:
        """What stands below, above and behind a base."""
        taken = ""
        while self.is_glued(i):
            sign, found = self.text(i), self.suffix(i)
            if found is None:
                return latex, i
            kind = "(" if sign in "([" else "^" if sign in ("+", "-", "*", "**") else sign
            latex = f"{{{latex}}}" if (kind in "_^" and kind in taken) or (kind == "'" and "^" in taken) else latex
            taken = "" if kind == "(" else taken + kind
            latex, i = latex + found[0], found[1]
        return latex, i

    def suffix(self, i: int) -> Read | None:
        sign = self.text(i)
        if sign == "'":
            return "'", i + 1
        if sign in "([":
            return self.group(i)
        if sign in ("+", "-", "*") and self.text(i + 1) in ")],":
            return f"^{{{sign}}}", i + 1  # s_i-, the side of a depth; s*
        if sign in ("_", "^", "**"):
            found = self.script(i + 1) if self.is_glued(i + 1) else None
            return None if found is None else (f"{sign[:1].replace('*', '^')}{{{found[0]}}}", found[1])
        return None

    def script(self, i: int) -> Read | None:
        self.scripts += 1
        found = self.within(i)
        self.scripts -= 1
        return found

    def within(self, i: int) -> Read | None:
        """What a script holds: braces, brackets that are left out, or a name or number with a sign."""
        word = self.text(i)
        if word in "{(":
            found = self.listed(i + 1)
            return (found[0], found[1] + 1) if found and self.text(found[1]) in "})" else None
        if word == "-":
            found = self.within(i + 1)
            return None if found is None else (f"-{found[0]}", found[1])
        if self.at(i).is_number:
            return word, i + 1
        if not word[0].isalpha():
            return None
        numbered = self.is_glued(i + 1) and self.at(i + 1).is_number
        return (f"{_indices(word)}_{{{self.text(i + 1)}}}", i + 2) if numbered else (_indices(word), i + 1)

    # ------------------------------------------------------------ bases

    def base(self, i: int) -> Read | None:
        word = self.text(i)
        kinds: dict[str, Callable[[int], Read | None]] = {"(": self.group, "[": self.group, "<": self.group, "|": self.barred}
        if word in kinds:
            return kinds[word](i)
        if word in LARGE:
            return self.large(i)
        if word in FUNCTIONS or word in AROUND:
            return self.function(i)
        if self.at(i).is_number:
            return _number(word), i + 1
        return self.called(i) if word in CALLED else self.name(i)

    def name(self, i: int) -> Read | None:
        """A symbol, with a number behind it as its subscript. A letter that is a word of English is none before other words."""
        word = self.text(i)
        found = symbol(word)
        if found is None or (self.is_article(i) and self.at(i + 1).is_word and self.text(i + 1) not in AFTER_NAMES):
            return None
        found = r"\mathbb{R}" if word == "R" and (self.text(i + 1) == "^" or (i and self.text(i - 1) == "in")) else found
        if self.is_glued(i + 1) and self.at(i + 1).is_number:
            return f"{found}_{{{self.text(i + 1)}}}", i + 2
        if self.text(i + 1) == "^" and self.is_glued(i + 1) and not self.is_glued(i + 2):
            return rf"\hat{{{found}}}", i + 2
        return found, i + 1

    def large(self, i: int) -> Read | None:
        """An integral or a sum with its bounds, before what it is of."""
        latex, after = self.scripted(LARGE[self.text(i)], i + 1) if self.text(i + 1) in "_^" else (LARGE[self.text(i)], i + 1)
        above = "^{" + THIN * (self.text(i) == "int")  # else the bound touches the sign
        return (latex.replace("^{", above, 1), after) if self.quotient(after) else None

    def function(self, i: int) -> Read | None:
        """A function with its argument; alone, as in `tr^2 - 4 det <= 0`, with a script, or before a relation."""
        word, glued = self.text(i), self.text(i + 1) in "([" and self.is_glued(i + 1)
        name, i = self.scripted(FUNCTIONS.get(word, ""), i + 1) if self.text(i + 1) in "_^" else (FUNCTIONS.get(word, ""), i + 1)
        found = self.group(i) if glued else self.power(i)
        if word in AROUND:
            return None if found is None else (AROUND[word] % _bare(found[0]), found[1])
        if found is None:
            return (name, i) if self.text(i) in RELATIONS or name != FUNCTIONS[word] else None
        return f"{name}{'' if glued else THIN + ' '}{found[0]}", found[1]

    def called(self, i: int) -> Read | None:
        """A function of models with its arguments."""
        found = self.group(i + 1) if self.text(i + 1) == "(" and self.is_glued(i + 1) else None
        return None if found is None else (CALLED[self.text(i)] + found[0], found[1])

    def group(self, i: int) -> Read | None:
        """What stands in brackets; in angles no relations."""
        opening = self.text(i)
        found = self.listed(i + 1, self.sum if opening == "<" else self.relation)
        if found is None or self.text(found[1]) != BRACKETS[opening]:
            return None
        return _fenced(opening, found[0], BRACKETS[opening]), found[1] + 1

    def barred(self, i: int) -> Read | None:
        found = self.sum(i + 1)
        if found is None or self.text(found[1]) != "|":
            return None
        return rf"\left|{found[0]}\right|", found[1] + 1

    def listed(self, i: int, item: Callable[[int], Read | None] | None = None) -> Read | None:
        """Items between commas and semicolons; a point stands for an argument, three for items."""
        item, items, separator = item or self.relation, [], ""
        while True:
            word = self.text(i)
            found = (r"\cdot" if word == "." else r"\ldots", i + 1) if word in (".", "...") else item(i)
            if found is None:
                return None
            items.append(separator + found[0])
            i = found[1]
            if self.text(i) not in ",;":
                return "".join(items), i
            separator, i = f"{self.text(i)} ", i + 1


def _number(word: str) -> str:
    """1e-06 as a power of ten."""
    first, e, exponent = word.partition("e")
    power = f"10^{{{int(exponent)}}}" if e else ""
    return power if first == "1" and e else f"{first} \\cdot {power}" if e else word


def _fenced(opening: str, inside: str, closing: str) -> str:
    left, right = DRAWN.get(opening, opening), DRAWN.get(closing, closing)
    return rf"\left{left} {inside} \right{right}" if TALL.search(inside) or opening == "<" else f"{left}{inside}{right}"


def _bare(latex: str) -> str:
    """Without round brackets around all of it, where a fraction or a root shows how far it goes."""
    inside = re.fullmatch(r"\\left\( (.*) \\right\)|\((.*)\)", latex)
    if inside is None:
        return latex
    depth, text = 0, inside[1] or inside[2]
    for sign in text:
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            return latex
    return text


def _indices(word: str) -> str:
    """A script of one or two symbols, `ztheta`, or a word."""
    if word == "T":
        return r"\top"
    split = re.fullmatch(f"({'|'.join((*SYMBOLS, '[A-Za-z]'))})({'|'.join((*SYMBOLS, '[A-Za-z]'))})?", word)
    return rf"\mathrm{{{word}}}" if split is None else " ".join(SYMBOLS.get(part, part) for part in split.groups() if part)

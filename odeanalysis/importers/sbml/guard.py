"""An SBML file as text that is safe to parse: of bounded size and nesting, without a document type, each formula of bounded length."""

from pathlib import Path
from typing import Any
from xml.parsers import expat

from odeanalysis.errors import ModelError
from odeanalysis.modeling import files
from odeanalysis.modeling.tables import show
from odeanalysis.symbolic.language import MODELS

FILE_LIMIT = 2**24
ELEMENTS = 300_000
NESTING = 200  # elements inside each other
NAME = 256  # characters of an id, or of a name or number in a formula
ENCODINGS = (None, "utf-8", "us-ascii")
MATH = "http://www.w3.org/1998/Math/MathML math"
NAMES = ("id", "variable", "symbol", "species", "compartment", "conversionFactor")


def text(path: Path) -> str:
    """The text of a file within the bounds. Raises ModelError naming the line where it is not."""
    content = files.content(path, "an SBML file", FILE_LIMIT + 1)
    if len(content) > FILE_LIMIT:
        raise ModelError(f"{path} is longer than {FILE_LIMIT} bytes; take out its notes, annotations and layout")
    found = files.decoded(content, str(path))
    _Scan(str(path)).run(found)
    return found


class _Scan:
    """One pass of a parser that builds nothing."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.parser = expat.ParserCreate("utf-8", " ")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.XmlDeclHandler = self._declaration
        self.depth = self.elements = 0
        self.math = 0  # the depth of the formula that is open
        self.parts = 0  # of that formula
        self.length = 0  # of the characters since the last tag

    def run(self, text: str) -> None:
        try:
            self.parser.Parse(text.encode("utf-8"), True)
        except expat.ExpatError as error:
            reason = expat.ErrorString(error.code)
            raise ModelError(f"{self.file}, line {error.lineno}: this is no XML: {reason}; correct it there") from error

    def _refuse(self, problem: str) -> ModelError:
        return ModelError(f"{self.file}, line {self.parser.CurrentLineNumber}: {problem}")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth, self.elements, self.length = self.depth + 1, self.elements + 1, 0
        if self.elements > ELEMENTS:
            raise self._refuse(f"more than {ELEMENTS} elements; take out notes, annotations and layout")
        if self.depth > NESTING:
            raise self._refuse(f"more than {NESTING} elements inside each other; split the formula into assignment rules")
        if tag == MATH and not self.math:
            self.math, self.parts = self.depth, 0
        self.parts += 1
        if self.math and self.parts > MODELS.nodes:
            raise self._refuse(f"a formula with more than {MODELS.nodes} parts; split it into assignment rules")
        for key in NAMES:
            if len(attributes.get(key, "")) > NAME:
                raise self._refuse(f"{key} is {show(attributes[key])}, longer than {NAME} characters; shorten it")

    def _end(self, tag: str) -> None:
        self.length = 0
        if self.depth == self.math:
            self.math = 0
        self.depth -= 1

    def _characters(self, found: str) -> None:
        self.length += len(found.strip())
        if self.math and self.length > NAME:
            raise self._refuse(f"a name or number of more than {NAME} characters in a formula; shorten it")

    def _doctype(self, *declared: Any) -> None:
        raise self._refuse("a document type declaration, which SBML does not have; take it out")

    def _declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if encoding is not None and encoding.lower() not in ENCODINGS:
            raise self._refuse(f"the encoding {show(encoding)}; save the file as UTF-8")

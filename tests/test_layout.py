"""The rules of the layout, each a function from one source file to what is wrong in it, over all our files."""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("odeanalysis", "torchbridge")
FOLDERS = (*PACKAGES, "tests", "examples", "benchmarks")
MODULE_LINES = 400
FUNCTION_LINES = 60
DECLARATIONS = (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)
LAZY_NAMES = {"__getattr__", "__dir__"}
UNFINISHED = re.compile(r"#\s*(TODO|FIXME|XXX|type:\s*ignore|pyright:\s*ignore)\b")
BORDER = Path("odeanalysis/verification/border.py")
NOT_RUN = {"skip", "skipif", "xfail", "importorskip"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One Python file: its path from the root, and its text."""

    path: Path
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, filename=str(self.path))

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @property
    def is_ours(self) -> bool:
        return self.path.parts[0] in PACKAGES

    @property
    def is_init(self) -> bool:
        return self.is_ours and self.path.name == "__init__.py"

    @property
    def is_command(self) -> bool:
        return "cli" in (*self.path.parts, self.path.stem)

    def functions(self) -> Iterator[Function]:
        return (node for node in self.nodes if isinstance(node, Function))


def documented(source: Source) -> Iterator[str]:
    """Every module says what it is for."""
    if not ast.get_docstring(source.tree):
        yield "no docstring"


def short_modules(source: Source) -> Iterator[str]:
    """A module has at most MODULE_LINES lines."""
    lines = len(source.text.splitlines())
    if lines > MODULE_LINES:
        yield f"{lines} lines, at most {MODULE_LINES}"


def short_functions(source: Source) -> Iterator[str]:
    """A function has at most FUNCTION_LINES lines, its signature and docstring included."""
    for function in source.functions():
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        if lines > FUNCTION_LINES:
            yield f"line {function.lineno}: {function.name} has {lines} lines, at most {FUNCTION_LINES}"


def finished(source: Source) -> Iterator[str]:
    """No comment puts work off or silences the type checker."""
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type == tokenize.COMMENT and UNFINISHED.search(token.string):
            yield f"line {token.start[0]}: {token.string}"


def precise_handlers(source: Source) -> Iterator[str]:
    """A handler names the errors it expects, never all of them, but for the one border to the code of users."""
    for node in [] if source.path == BORDER else source.nodes:
        if isinstance(node, ast.ExceptHandler) and _catches_all(node):
            yield f"line {node.lineno}: catches every error; name those it expects"


def no_test_left_out(source: Source) -> Iterator[str]:
    """No test is skipped or expected to fail; those for a GPU say why where there is none."""
    named = [(node, ast.unparse(node)) for node in source.nodes if isinstance(node, ast.Attribute)]
    for node, text in named if not any(text == "pytest.mark.gpu" for _, text in named) else ():
        if node.attr in NOT_RUN and text.startswith("pytest."):
            yield f"line {node.lineno}: {text}; make the test run, or remove it"


def idle_init(source: Source) -> Iterator[str]:
    """A package's `__init__` only lists names: a docstring, imports, assignments, the protocol of lazy names."""
    for node in source.tree.body if source.is_init else []:
        if not _declares(node):
            yield f"line {node.lineno}: __init__ does work; move it into a module"


def early_imports(source: Source) -> Iterator[str]:
    """Our own modules are imported at the top; only commands and a package's lazy names may wait."""
    if not source.is_ours or source.is_command:
        return
    for function in source.functions():
        if not (source.is_init and function.name in LAZY_NAMES):
            yield from _late_imports(function)


Rule = Callable[[Source], Iterator[str]]
LATE = "def f():\n    from odeanalysis import errors\n"

# every rule, with a text that breaks it when it stands in odeanalysis/part/__init__.py
RULES: dict[Rule, str] = {
    documented: "import ast\n",
    short_modules: "\n" * (MODULE_LINES + 1),
    short_functions: "def f():\n" + "    pass\n" * FUNCTION_LINES,
    finished: "x = 1  # TODO: more\n",
    precise_handlers: "try:\n    pass\nexcept (ValueError, Exception):\n    pass\n",
    no_test_left_out: "@pytest.mark.skipif(True)\ndef test(): ...\n",
    idle_init: "def f(): ...\n",
    early_imports: LATE,
}
ALLOWED = {
    idle_init: '"""Names."""\nfrom .a import f\nNAMES = {f: 1}\n__all__ = ["f"]\ndef __getattr__(name): ...\n',
    early_imports: LATE.replace("f()", "__getattr__(name)"),
    precise_handlers: "try:\n    pass\nexcept (ValueError, TypeError):\n    pass\n",
    finished: 'x = "# TODO"  # the word, in a text\n',
    no_test_left_out: "pytestmark = [pytest.mark.gpu, pytest.mark.skipif(True)]\ndef test(): ...\n",
}


def _catches_all(handler: ast.ExceptHandler) -> bool:
    caught = handler.type
    if caught is None:
        return True
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(ast.unparse(name) in ("Exception", "BaseException") for name in names)


def _declares(node: ast.stmt) -> bool:
    if isinstance(node, Function):
        return node.name in LAZY_NAMES
    if isinstance(node, ast.If):
        return ast.unparse(node.test) == "TYPE_CHECKING"
    return isinstance(node, DECLARATIONS) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def _late_imports(function: Function) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Import | ast.ImportFrom) and any(map(_is_own, _imported(node))):
            yield f"line {node.lineno}: {function.name} has '{ast.unparse(node)}'; import it at the top"


def _imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return ["." * node.level + (node.module or "")]


def _is_own(module: str) -> bool:
    return module.startswith(".") or module.partition(".")[0] in PACKAGES


@cache
def sources() -> list[Source]:
    paths = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    return [Source(path.relative_to(ROOT), path.read_text(encoding="utf-8")) for path in paths]


def names(rules: Iterable[Rule]) -> list[str]:
    return [getattr(rule, "__name__", "rule") for rule in rules]


def sample(text: str) -> Source:
    return Source(Path("odeanalysis/part/__init__.py"), text)


def exported(source: Source) -> set[str]:
    """The names that an `__init__` takes from its modules or lists in `__all__`, without the modules themselves."""
    imports = [node for node in source.nodes if isinstance(node, ast.ImportFrom)]
    own = _module(source)
    modules = {alias.name for node in imports if node.module in (None, own) for alias in node.names}
    taken = {alias.asname or alias.name for node in imports for alias in node.names}
    return (taken | _listed(source)) - modules


def _listed(source: Source) -> set[str]:
    """`__all__`, read from the text where it is a list, else from the package itself."""
    for node in source.tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            written = isinstance(node.value, ast.List | ast.Tuple)
            return set(ast.literal_eval(node.value) if written else import_module(_module(source)).__all__)
    return set()


def _module(source: Source) -> str:
    return source.path.parent.as_posix().replace("/", ".")


def parts(folder: Path) -> set[str]:
    """The packages inside a package; at the top its modules too."""
    packages = {path.parent.name for path in folder.glob("*/__init__.py")}
    modules = {path.stem for path in folder.glob("*.py")} if folder.parent == ROOT else set()
    return packages | modules


@pytest.mark.xdist_group("layout")
@pytest.mark.parametrize("rule", RULES, ids=names(RULES))
def test_every_file_keeps_the_rule(rule: Rule):
    found = [f"{source.path}: {problem}" for source in sources() for problem in rule(source)]
    assert not found, "\n".join([rule.__doc__ or "", *found])


@pytest.mark.parametrize(("rule", "text"), RULES.items(), ids=names(RULES))
def test_each_rule_finds_what_breaks_it(rule: Rule, text: str):
    assert list(rule(sample(text)))


@pytest.mark.parametrize(("rule", "text"), ALLOWED.items(), ids=names(ALLOWED))
def test_no_rule_complains_of_what_is_allowed(rule: Rule, text: str):
    assert not list(rule(sample(text)))


@pytest.mark.xdist_group("layout")
def test_all_our_files_are_read():
    read = {source.path for source in sources()}
    assert {Path("odeanalysis/errors.py"), Path("torchbridge/__init__.py"), Path("tests/conftest.py")} <= read


@pytest.mark.xdist_group("layout")
def test_no_name_is_both_a_part_and_a_function():
    inits = [source for source in sources() if source.is_init]
    clashes = {str(init.path): exported(init) & parts(ROOT / init.path.parent) for init in inits}
    assert not {path: names for path, names in clashes.items() if names}


def test_exported_names_leave_modules_out():
    text = 'from .a import f as g\nfrom . import b\nfrom odeanalysis.part import c\n__all__ = ["b", "c", "d", "g"]\n'
    assert exported(sample(text)) == {"d", "g"}

"""Wrong model files are refused with one message that names the file, the key, and what to do."""

from pathlib import Path

import pytest

import odeanalysis as oda
from odeanalysis.modeling import modelfile
from odeanalysis.modeling.modelfile import loads, read
from tests.modeling.files import GROWTH, OBSERVED, changed

# what is changed, and words that the message must hold: the key, and what to do
WRONG: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "unknown table": ("[state]", "[sate]", ("'sate'", "did you mean 'state'?")),
    "unknown key": ("domain =", "domains =", ("'domains'", "did you mean 'domain'?")),
    "unknown key, nothing near": ("[state]", "[zzz]", ("'zzz'", "use one of", "or remove it")),
    "unknown objective": ("terminal =", "terminale =", ("objective", "'terminale'", "did you mean 'terminal'?")),
    "no domain": ("domain = [0, 2]", "", ("no domain", "add domain = [0, 1]")),
    "one end": ("[0, 2]", "[2]", ("domain has 1 entries", "needs two")),
    "infinite end": ("[0, 2]", "[0, inf]", ("domain[1] is inf", "finite")),
    "end that is NaN": ("[0, 2]", "[nan, 2]", ("domain[0] is nan", "finite")),
    "huge end": ("[0, 2]", f"[0, {'9' * 400}]", ("domain[1]", "very large", "1.8e308")),
    "end too large": ("[0, 2]", "[0, 1e400]", ("domain[1] is inf", "finite")),
    "end of many digits": ("[0, 2]", f"[0, {'9' * 5000}]", ("too long", "shorten")),
    "boolean end": ("[0, 2]", "[0, true]", ("domain[1] is a boolean", "number")),
    "date": ("[0, 2]", "[0, 2020-01-01]", ("domain[1] is a date", "number")),
    "list for an end": ("[0, 2]", "[0, [1]]", ("domain[1] is an array", "write a number")),
    "domain no array": ("[0, 2]", "2", ("domain is a whole number", "array, as in [0, 1]")),
    "depth in the domain": ("[0, 2]", '[0, "s"]', ("domain", "'s'", "declare")),
    "state in the domain": ("[0, 2]", '[0, "z"]', ("domain", "'z'", "declare")),
    "breakpoints": ("[0, 2]", "[0, 2]\nbreakpoints = 1", ("breakpoints is a whole number", "array")),
    "break point in depth": ("[0, 2]", '[0, 2]\nbreakpoints = ["s"]', ("breakpoints", "'s'")),
    "name no text": ('"growth"', "3", ("name is a whole number", "string")),
    "name of two lines": ('"growth"', '"a\\nimport os"', ("name is", "one line")),
    "empty name": ('"growth"', '""', ("name is ''", "one line")),
    "long name": ('"growth"', f'"{"a" * 101}"', ("name is", "100")),
    "no state": ("[state]\nz = []\nv = [2]", "[state]", ("[state]", "declare")),
    "state no table": ("[state]\nz = []\nv = [2]", "state = 3", ("state is a whole number", "[state]")),
    "states as a list": ("[state]\nz = []\nv = [2]", "[[state]]\nz = []", ("state is an array", "[state]")),
    "shape no list": ("v = [2]", "v = 2", ("state.v is a whole number", "[] for a scalar")),
    "shape of floats": ("v = [2]", "v = [2.0]", ("state.v[0] is 2.0", "whole number of 0 or more")),
    "negative shape": ("v = [2]", "v = [-2]", ("state.v[0] is -2", "0 or more")),
    "boolean shape": ("v = [2]", "v = [true]", ("state.v[0] is True", "whole number")),
    "shape of text": ("v = [2]", 'v = ["n"]', ("state.v[0] is 'n'", "whole number")),
    "huge shape": ("v = [2]", "v = [100000, 100000]", ("state.v", "smaller")),
    "huge empty shape": ("v = [2]", f"v = [0, {10**30}]", ("state.v", "smaller")),
    "too many axes": ("v = [2]", f"v = {[1] * 20}", ("state.v has 20 axes", "16")),
    "reserved name": ("x = []", "x = []\nlambda = []", ("an input", "'lambda'", "choose")),
    "function's name": ("x = []", "x = []\nexp = []", ("an input", "'exp'", "choose")),
    "name of pi": ("x = []", "x = []\npi = []", ("'pi'", "choose")),
    "reserved name in use": ("x = []", "exp = []", ("an input", "'exp'", "choose")),
    "far too many names": ("x = []", "\n".join(f"x{i} = []" for i in range(10_001)), ("inputs declares 10001 names", "arrays")),
    "underscore": ("x = []", "x = []\n_x = []", ("'_x'", "an input", "letter first")),
    "no identifier": ("x = []", 'x = []\n"a b" = []', ("'a b'",)),
    "depth's name": ("x = []", "x = []\ns = []", ("'s'", "rename")),
    "duplicate name": ("x = []", "x = []\nk = []", ("'k' twice", "a parameter", "an input", "rename")),
    "duplicate of a state": ("x = []", "x = []\nz = []", ("'z' twice", "a state", "rename")),
    "duplicate in one table": ("x = []", "x = []\nx = []", ("line", "column", "TOML")),
    "no field": ('[field]\nz = "-k*z"\nv = "W @ v"', "", ("no field", "add [field]")),
    "missing equation": ('z = "-k*z"', "", ("field has no entry for state 'z'", "add z =")),
    "extra equation": ('z = "-k*z"', 'z = "-k*z"\nzz = "1"', ("field has an entry for 'zz'", "did you mean 'z'?")),
    "no initial": ('[initial]\nz = "x"\nv = "zeros(2)"', "", ("no initial", "add [initial]")),
    "missing initial value": ('v = "zeros(2)"', "", ("initial has no entry for state 'v'", "add v =")),
    "extra initial value": ('z = "x"', 'z = "x"\nk = 3', ("initial has an entry for 'k'", "no state")),
    "state in the initial value": ('z = "x"', 'z = "v[0]"', ("initial 'z'", "'v'", "may use")),
    "unknown name": ('"-k*z"', '"-kk*z"', ("field.z", "'kk'", "'k'", "declare", "^")),
    "unknown function": ('"-k*z"', '"-sine(z)"', ("field.z", "'sine'", "'sin'", "^")),
    "attribute": ('"-k*z"', '"z.real"', ("field.z", "real", "^")),
    "import": ('"-k*z"', "\"__import__('os').system('ls')\"", ("field.z", "^")),
    "lambda": ('"-k*z"', '"(lambda: z)()"', ("field.z", "^")),
    "comprehension": ('"-k*z"', '"sum(z for z in v)"', ("field.z", "^")),
    "string in an expression": ('"-k*z"', "\"z + 'a'\"", ("field.z", "^")),
    "subscript of a scalar": ('"-k*z"', '"z[0]"', ("field.z", "^")),
    "syntax": ('"-k*z"', '"-k*"', ("field.z", "^")),
    "empty expression": ('"-k*z"', '""', ("field.z", "empty")),
    "very long": ('"-k*z"', f'"{"z + " * 9000}z"', ("field.z", "characters")),
    "very deep": ('"-k*z"', f'"{"(" * 3000}z{")" * 3000}"', ("field.z", "nested", "^")),
    "huge power": ('"-k*z"', '"z**99999999"', ("field.z", "exponent", "use")),
    "operands": ('"W @ v"', '"v @ W @ W @ x"', ("field.v", "(2,)", "()", "^")),
    "operands of a sum": ('"W @ v"', '"v + zeros(3)"', ("field.v", "(2,)", "(3,)", "^")),
    "wrong shape": ('"W @ v"', '"W"', ("field 'v'", "(2, 2)", "(2,)", "write")),
    "scalar for an array": ('"zeros(2)"', "0", ("initial 'v'", "()", "(2,)")),
    "array for a scalar": ('"z**2"', '"v"', ("objective.terminal", "(2,)", "()")),
    "condition": ('"z**2"', '"z > 1"', ("objective.terminal", "where")),
    "division by zero": ('"z**2"', '"z/0"', ("objective.terminal", "zero")),
    "not real": ('"z**2"', '"z*sqrt(-1)"', ("objective.terminal", "real")),
    "table for an expression": ('"-k*z"', "{ a = 1 }", ("field.z is a table", "write a number")),
    "boolean for an expression": ('"-k*z"', "true", ("field.z is a boolean", "number")),
    "no objective": ('[objective]\nterminal = "z**2"', "", ("no objective", "add [objective]")),
    "empty objective": ('terminal = "z**2"', "", ("objective has no part", "add")),
    "range of an unknown name": ("k = [0.1, 2]", "kk = [0.1, 2]", ("'kk'", "no parameter")),
    "range of a state": ("k = [0.1, 2]", "z = [0.1, 2]", ("'z'", "no parameter")),
    "range of three": ("k = [0.1, 2]", "k = [0.1, 1, 2]", ("ranges.k has 3 entries", "two")),
    "range no list": ("k = [0.1, 2]", "k = 2", ("ranges.k is a whole number", "array")),
    "range of text": ("k = [0.1, 2]", 'k = ["a", 2]', ("ranges.k[0] is a string", "number")),
    "range upside down": ("k = [0.1, 2]", "k = [2, 0.1]", ("'k'", "[2.0, 0.1]", "lower end")),
    "infinite range": ("k = [0.1, 2]", "k = [0.1, inf]", ("ranges.k[1] is inf", "finite")),
    "transforms no list": ("[state]", "[transforms]\n[state]", ("transforms is a table", "[[transforms]]")),
    "transform without a kind": ("[state]", "[[transforms]]\n[state]", ("transforms[0] has no kind", "add kind")),
    "unknown transform": ("[state]", '[[transforms]]\nkind = "gallerkin"\n[state]', ("'gallerkin'", "'galerkin'?")),
    "kind no text": ("[state]", "[[transforms]]\nkind = 3\n[state]", ("transforms[0].kind is a whole number",)),
    "unknown key of a transform": (
        "[state]",
        '[[transforms]]\nkind = "flow"\nstates = "z"\n[state]',
        ("transforms[0] (flow)", "'states'", "did you mean 'state'?"),
    ),
    "transform of an unknown name": (
        "[state]",
        '[[transforms]]\nkind = "galerkin"\nparameters = ["q"]\nbasis = "fourier"\nterms = 3\nperiod = 1\n[state]',
        ("transforms[0]", "'q'"),
    ),
    "twice varying": (
        "[state]",
        2 * '[[transforms]]\nkind = "galerkin"\nparameters = ["k"]\nbasis = "fourier"\nterms = 3\nperiod = 1\n' + "[state]",
        ("transforms[1]", "'k'"),
    ),
}
# what is put before the first table
HEADS = {
    "depth no text": ("depth = 3", ("depth is a whole number", "string")),
    "depth reserved": ('depth = "exp"', ("the depth", "'exp'", "choose")),
    "depth a state": ('depth = "z"', ("a state", "'z'", "rename")),
    "objective no table": ('objective = "z**2"', ("line",)),
}
OBSERVATIONS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "no depths": ("at = [0.5, 1]", "", ("objective.observations[0] has no at", "add at")),
    "empty depths": ("at = [0.5, 1]", "at = []", ("objective.observations", "no depths", "'at'")),
    "depths no list": ("at = [0.5, 1]", "at = 1", ("objective.observations[0].at is a whole number", "array")),
    "depth outside": ("at = [0.5, 1]", "at = [0.5, 2.5]", ("objective.observations", "2.5", "[0.0, 2.0]", "move")),
    "depth outside below": ("at = [0.5, 1]", "at = [-0.5]", ("objective.observations", "-0.5", "move")),
    "state as a depth": ("at = [0.5, 1]", 'at = ["z"]', ("objective.observations 'at'", "'z'")),
    "infinite depth": ("at = [0.5, 1]", "at = [inf]", ("objective.observations[0].at[0] is inf", "finite")),
    "no cost": ('cost = "sumsq(v - seen)"', "", ("objective.observations[0] has no cost", "add cost")),
    "cost of a wrong shape": ('"sumsq(v - seen)"', '"v - seen"', ("objective.observations 'cost'", "(2,)", "()")),
    "unknown name": ('"sumsq(v - seen)"', '"sumsq(v - scene)"', ("objective.observations[0].cost", "'scene'", "'seen'")),
    "unknown key": ("at = ", "att = ", ("objective.observations[0]", "'att'", "did you mean 'at'?")),
    "data no table": ("{ seen = [2] }", "[2]", ("objective.observations[0].data is an array", "table")),
    "data shape": ("{ seen = [2] }", "{ seen = 2 }", ("objective.observations[0].data.seen is a whole number", "array")),
    "data named like a parameter": ("{ seen = [2] }", "{ k = [2] }", ("'k' twice", "observation data", "rename")),
    "data named like a function": ("{ seen = [2] }", "{ sum = [2] }", ("observation data", "'sum'", "choose")),
    "no table": ("[[objective.observations]]", "[objective.observations]", ("objective.observations is a table", "[[obj")),
}


def message_of(text: str) -> str:
    with pytest.raises(oda.ModelError) as error:
        loads(text, "file")
    message = str(error.value)
    assert message.startswith("file") and len(message) < 700
    return message


def check(text: str, words: tuple[str, ...]) -> None:
    message = message_of(text)
    assert not [word for word in words if word not in message], message


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_file_is_refused_with_its_key(name: str):
    old, new, words = WRONG[name]
    check(changed(old, new), words)


@pytest.mark.parametrize("name", HEADS)
def test_a_wrong_head_is_refused_with_its_key(name: str):
    head, words = HEADS[name]
    check(f"{head}\n{GROWTH}", words)


@pytest.mark.parametrize("name", OBSERVATIONS)
def test_wrong_observations_are_refused_with_their_key(name: str):
    old, new, words = OBSERVATIONS[name]
    check(GROWTH + changed(old, new, OBSERVED), words)


def test_the_same_data_in_two_observations_are_refused():
    check(GROWTH + OBSERVED + OBSERVED, ("'seen' twice, both times as observation data; rename one",))


MALFORMED = {
    "bracket": ("[state\n", ("line 1, column 7", "TOML", "'[state'")),
    "no value": ("domain = \n[state]", ("line 1, column 10", "TOML")),
    "cut off": ("domain = [0, 2", ("line 1, column 15", "TOML")),
    "cut off later": ('a = 1\nb = """\n\n', ("line 3", "TOML")),
    "twice": ("[state]\na = []\na = [2]\n", ("line 3", "TOML", "'a = [2]'")),
    "empty": ("", ("no state", "declare")),
    "very deep": ("a = " + "[" * 100_000, ("too deeply",)),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_files_are_refused_with_their_line(name: str):
    text, words = MALFORMED[name]
    check(text, words)


def test_a_large_file_is_refused(tmp_path: Path):
    path = tmp_path / "large.toml"
    path.write_text(GROWTH + "#" * modelfile.FILE_LIMIT, encoding="utf-8")
    with pytest.raises(oda.ModelError, match=r"large\.toml is longer than"):
        read(path)


def test_text_of_another_encoding_is_refused_with_its_line(tmp_path: Path):
    path = tmp_path / "latin.toml"
    path.write_bytes(b'name = "a"\n# \xe9\n')
    with pytest.raises(oda.ModelError, match=r"latin\.toml, line 2: the byte 0xe9 is no UTF-8 text; save"):
        read(path)


def test_a_byte_order_mark_and_other_line_ends_are_accepted(tmp_path: Path):
    path = tmp_path / "other.toml"
    path.write_bytes(b"\xef\xbb\xbf" + GROWTH.replace("\n", "\r\n").encode())
    assert read(path) == loads(GROWTH)


@pytest.mark.parametrize("name", ["none.toml", ".", "a\0b"])
def test_a_file_that_is_not_there_is_named(tmp_path: Path, name: str):
    with pytest.raises(oda.ModelError, match="give the path of a model file"):
        read(tmp_path / name)


def test_errors_name_the_file(tmp_path: Path):
    path = tmp_path / "wrong.toml"
    path.write_text(changed('"-k*z"', '"-kk*z"'), encoding="utf-8")
    with pytest.raises(oda.LanguageError) as error:
        read(path)
    assert str(error.value).startswith(f"{path}: field.z")

"""Files of values: a JSON object, or an .npz archive, of arrays by name."""

import io
import json
import re
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from odeanalysis.errors import ModelError
from odeanalysis.modeling import files
from odeanalysis.modeling.arrays import Array, as_array
from odeanalysis.modeling.tables import kind, show

NEWLINE = "\n"
ZIP, NPY = b"PK", b"\x93NUMPY"
TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|-?Infinity|NaN')
BROKEN = (ValueError, OSError, EOFError, KeyError, RuntimeError, struct.error, zlib.error, zipfile.BadZipFile)


def read_values(path: str | Path) -> dict[str, Array]:
    """The values of a file by name: a JSON object of numbers and nested lists (null becomes NaN), or an .npz archive.

    Raises ModelError naming the file and the value, or the line and column of malformed JSON.
    """
    file = Path(path)
    content = files.content(file, "a file of values")
    if content.startswith(NPY):
        raise ModelError(f"{file} is a single array without a name; save arrays by name with numpy.savez")
    found = _from_npz(content, str(file)) if content.startswith(ZIP) else _from_json(content, str(file))
    return {name: as_array(value, f"{file}: value {show(name)}") for name, value in found.items()}


def _from_npz(content: bytes, file: str) -> dict[str, Any]:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except BROKEN as error:
        raise ModelError(f"{file} is no archive of arrays of numbers: {error}; write it with numpy.savez") from error


def _from_json(content: bytes, file: str) -> dict[str, Any]:
    text = files.decoded(content, file)

    def refuse(word: str) -> NoReturn:
        raise ModelError(f"{file}, {_place(text, word)}: {word} is no JSON; write null for a missing observation, else a number")

    try:
        found = json.loads(text, object_pairs_hook=lambda pairs: _distinct(pairs, file), parse_constant=refuse)
    except json.JSONDecodeError as error:
        reason = error.msg.lower()
        raise ModelError(f"{file}, line {error.lineno}, column {error.colno}: this is not JSON: {reason}; correct it there") from error
    except RecursionError as error:
        raise ModelError(f"{file} nests lists too deeply; give each value in its declared shape") from error
    except ValueError as error:  # the one that is no JSONDecodeError: a whole number of thousands of digits
        raise ModelError(f"{file} has a number that is too long to be read: {error}; shorten it") from error
    if not isinstance(found, dict):
        raise ModelError(f"{file} holds {kind(found)}; it must hold one object, name -> number or nested list")
    return found


def _distinct(pairs: list[tuple[str, Any]], file: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ModelError(f"{file} gives {show(name)} twice; keep one of them")
        found[name] = value
    return found


def _place(text: str, word: str) -> str:
    """The line and column where a word stands outside strings."""
    start = next(token.start() for token in TOKEN.finditer(text) if token[0] == word)
    return f"line {text.count(NEWLINE, 0, start) + 1}, column {start - text.rfind(NEWLINE, 0, start)}"

"""Files as they come from anywhere: read up to a limit, decoded, refused with their name and line."""

from pathlib import Path

from odeanalysis.errors import ModelError


def content(file: Path, what: str, limit: int = -1) -> bytes:
    """The bytes of a file, at most `limit`. Raises ModelError where it cannot be read."""
    try:
        with file.open("rb") as stream:
            return stream.read(limit)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ModelError(f"{file}: {reason}; give the path of {what}") from error
    except ValueError as error:
        raise ModelError(f"{str(file)!r} is no path: {error}; give the path of {what}") from error


def decoded(raw: bytes, file: str) -> str:
    """UTF-8 text, with or without a byte order mark."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        byte = f"{raw[error.start]:#04x}"
        raise ModelError(f"{file}, line {line}: the byte {byte} is no UTF-8 text; save the file as UTF-8") from error

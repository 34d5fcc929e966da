"""Whether Lightning is there, asked before anything here needs it."""

from importlib.util import find_spec

NEEDED = ("lightning", "torchmetrics", "sklearn")


def check_installed(names: tuple[str, ...] = NEEDED) -> None:
    """Raises ModuleNotFoundError, with what to install, for a package that is not there."""
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise ModuleNotFoundError(
            f"torchbridge.training needs {', '.join(missing)}; run: pip install -c constraints.txt -e '.[torch,train]'", name=missing[0]
        )


check_installed()

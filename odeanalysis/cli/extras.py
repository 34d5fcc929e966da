"""Options that need packages of the extra `report`: checked before the work begins."""

from importlib.util import find_spec

from odeanalysis.cli.errors import stop

PLOTS = ("matplotlib",)
PAGES = ("jinja2", "latex2mathml")


def require(option: str, modules: tuple[str, ...]) -> None:
    """Stops with advice where a module that an option needs is not installed."""
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        are = "is" if len(missing) == 1 else "are"
        stop(f"{option} needs {' and '.join(missing)}, which {are} not installed; run pip install 'odeanalysis[report]'")

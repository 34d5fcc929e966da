"""Our HTML pages: one file each, without anything from elsewhere; how they look is in `templates/`."""

from functools import lru_cache
from typing import Any

from odeanalysis.reports.sentences import typeset


def page(template: str, **values: Any) -> str:
    """A page made from a template; every text is escaped but what is marked as safe. `typeset` draws the mathematics of a sentence."""
    return _environment().get_template(template).render(**values)


@lru_cache(maxsize=1)
def _environment() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("odeanalysis.reports"),
        autoescape=lambda name: name is not None and name.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["typeset"] = typeset
    return made

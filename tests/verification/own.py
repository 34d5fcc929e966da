"""Files of claims, as users write them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import pytest

from odeanalysis.verification import catalogue

OWN = """
import sympy as sp

from odeanalysis.verification.claim import Claim, Evidence, Form, Gap
from odeanalysis.verification.proof import identity

s = sp.Symbol("s", real=True)


def form(value):
    return Form((Gap("z' = -z from 1", "closed form", abs(value - 1), 1e-9), Gap("z' = -z from 1", "solver", abs(value - 1), 1e-9)))


OWN = Claim(
    id="own",
    title="e^-s solves z' = -z",
    source="a textbook",
    printed=None,
    corrected="z = e^-s",
    hypotheses=(),
    prove=lambda: [identity("it solves the equation", sp.Derivative(sp.exp(-s), s), -sp.exp(-s))],
    measure=lambda seed: Evidence(form(1), form(2)),
)
"""


def several(*others: str, more: str = "") -> str:
    """A file with the claim `own` and others like it, each `id: what its measurement does first`.  more: code before them."""
    text = f"import multiprocessing, os, pathlib, signal, time\nfrom dataclasses import replace\n{OWN}\n{more}\n"
    for i, other in enumerate(others):
        name, _, first = other.partition(": ")
        text += f"def measure_{i}(seed):\n    {first or 'pass'}\n    return OWN.measure(seed)\n"
        text += f"CLAIM_{i} = replace(OWN, id={name!r}, measure=measure_{i})\n"
    return text


def told(report):
    """All that a report says but how long it took."""
    return replace(report, seconds=0.0)


@contextmanager
def registered(*found: object, module: str = __name__) -> Iterator[None]:
    """What installed packages register as claims; None is an entry that cannot be loaded."""
    entries = [SimpleNamespace(name="theirs", module=module, load=partial(_load, one)) for one in found]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalogue, "entry_points", lambda group: entries if group == "odeanalysis.claims" else [])
        catalogue._registered.cache_clear()
        yield
    catalogue._registered.cache_clear()


def _load(found: object) -> object:
    if found is None:
        raise ImportError("nothing of this name")
    return found

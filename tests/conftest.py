"""Settings of the whole suite: one thread for each worker, no window, and Hypothesis' profile."""

import os

import pytest
from hypothesis import settings

ENVIRONMENT = {
    "MPLBACKEND": "Agg",  # figures are written, never shown
    "OMP_NUM_THREADS": "1",  # the workers are the parallelism; sums keep one order
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}

for name, value in ENVIRONMENT.items():
    os.environ.setdefault(name, value)

settings.register_profile("suite", deadline=None, derandomize="CI" in os.environ, print_blob=True)
settings.load_profile("suite")


@pytest.hookimpl(tryfirst=True)  # before xdist asks for the groups
def pytest_collection_modifyitems(items):
    """Tests of one `name` (a case, a claim) are a group: what is derived, solved and verified of it is kept for all of them."""
    for item in items:
        name = item.callspec.params.get("name") if hasattr(item, "callspec") else None
        if isinstance(name, str):
            item.add_marker(pytest.mark.xdist_group(name))

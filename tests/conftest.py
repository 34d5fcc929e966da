"""Settings of the whole suite: one thread for each worker, no window, and Hypothesis' profile."""

import os

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

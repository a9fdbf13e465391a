"""One thread for everything: on shared cores a thread pool makes small steps ten times slower."""

from __future__ import annotations

import os

# Before torch, numba or a BLAS are imported by any test.
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"

"""The speed tables: ./setup python -m benchmarks [repeats]."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from pathlib import Path

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"

import torch  # noqa: E402

from benchmarks import detection, rollout, stages, systems, training  # noqa: E402
from benchmarks.timing import table  # noqa: E402


def main(repeats: int) -> None:
    """Prints one table after the other; a few minutes."""
    torch.set_num_threads(1)
    print(f"Medians of {repeats} in CPU time of one thread, alternatives measured in turn.\n")
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):  # progress bars
        tables(repeats)
    print(stages.table(Path("results")))


def tables(repeats: int) -> None:
    """Training, rollout and detection, each beside its baseline."""
    made = [systems.colloids(), systems.ideal_gas()]
    for what, unit in ((training, "training step, batch 5"), (rollout, "rollout step")):
        for system in made:
            print(table(f"{unit}: {system.name}", "ms", what.measure(system, repeats), what.NESTED))
            print(flush=True)
    found = detection.measure(repeats)
    print(table("detection, per frame", "ms", found, detection.LOCATE))
    ratio = found[detection.OURS] / found[detection.LOCATE]
    print(f"  {ratio:.2f} times trackpy's own time (goal {detection.GOAL})\n", flush=True)


if __name__ == "__main__":
    warnings.filterwarnings("ignore", category=UserWarning)  # of lightning, outside a Trainer
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)

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

from benchmarks import (  # noqa: E402
    detection,
    lammps,
    rollout,
    rollout_sizes,
    stages,
    systems,
    training,
)
from benchmarks.shares import LIKELIHOOD, ROLLOUT, slowest  # noqa: E402
from benchmarks.timing import table  # noqa: E402
from pipeline.learn.settings import Training  # noqa: E402

SIDE = 22  # of the fluid that the plugin runs: 10 648 particles


def main(repeats: int) -> None:
    """Prints one table after the other; a few minutes."""
    torch.set_num_threads(1)
    print(f"Medians of {repeats} in CPU time of one thread, alternatives measured in turn.\n")
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):  # progress bars
        tables(repeats)
    print(stages.table(Path("results")))


def tables(repeats: int) -> None:
    """Training, rollout, detection and the plugin, each beside its baseline."""
    made = [systems.colloids(), systems.ideal_gas()]
    for system in made:
        print(
            table(
                f"training step, batch 5: {system.name}",
                "ms",
                training.measure(system, repeats),
                training.NESTED,
            )
        )
        print(slowest(training.ours(system, {}), LIKELIHOOD) + "\n", flush=True)
    for system in made:
        print(
            table(
                f"rollout step: {system.name}",
                "ms",
                rollout.measure(system, repeats),
                rollout.NESTED,
            )
        )
        print(slowest(rollout.ours(system, Training(), True), ROLLOUT) + "\n", flush=True)
    found, parts = detection.measure(repeats)
    print(table("detection, per frame", "ms", found, detection.LOCATE))
    ratio = found[detection.OURS] / found[detection.LOCATE]
    print(f"  {ratio:.2f} times trackpy's own time (goal {detection.GOAL})")
    print(parts + "\n", flush=True)
    print(lammps.table(lammps.measure(SIDE, repeats)), flush=True)
    print(f"  (goal for fluids of splines: at most {lammps.GOAL} times dpd)\n", flush=True)
    rollout_sizes.main((SIDE,))
    print()


if __name__ == "__main__":
    warnings.filterwarnings("ignore", category=UserWarning)  # of lightning, outside a Trainer
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)

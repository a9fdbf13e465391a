"""A learned model folder as one potential file, each closure as `lammps.forms` writes it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.closures.reference import Reference
from pipeline.errors import InputError
from pipeline.lammps.forms import Stream, flowing
from pipeline.lammps.potential import Potential, write
from pipeline.lammps.rule import Ranges, potential
from pipeline.learn.trained_model import Learned, load

QUANTILES = np.linspace(0.0, 1.0, 101)


def of_learned(
    learned: Learned, reference: Reference | None = None, stream: Stream | None = None
) -> Potential:
    """The words and numbers of a trained model, with its units and the laws of its latents.

    The laws are quantile functions at equal steps of probability, so that any number of new
    particles can be drawn; strengths of a mixture keep their two humps, which no normal law has.

    Args:
        learned: the model.
        reference: undeformed bonds; needed by a solid, see `Conditions`.
        stream: of the medium; needed where it flows with the sample.

    Raises:
        InputError: if the medium flows with the sample and no flow is given, or remembers.
    """
    record = learned.record
    if learned.flows and stream is None:
        raise InputError(
            "The medium of this model flows with the sample (train.bath_flow: sample), and the "
            "flow of another sample is not known: train with bath_flow: rest to run it there."
        )
    if learned.model.memory is not None:
        raise InputError(
            "This model has modes of memory (train.memory), which the plugin for LAMMPS does not "
            "move: train with memory: none to run it there."
        )
    anchor, ranges = float(record["seen"]["mean_T"]), tabulated(record["seen"])
    made = potential(learned.model, anchor, ranges, reference=reference)
    if stream is not None:
        words, values = flowing(stream)
        made.words.update(words)
        made.numbers.update(values)
    units = record["units"]
    made.words["unit.length"] = f"{units['length']!r} {units['length_unit']}"
    made.words["unit.time"] = f"{units['time']!r} {units['time_unit']}"
    made.numbers["strong"] = np.array([float(len(learned.met) > 0)])
    for name, sample in (("entropy", learned.z), ("log_strength", learned.log_s)):
        law = np.quantile(sample, QUANTILES) if len(sample) else np.zeros(len(QUANTILES))
        made.numbers[f"law.{name}"] = law
    return made


def tabulated(seen: dict[str, Any]) -> Ranges:
    """Ranges of S, V and T a little beyond those met in training."""
    S, V, T = (tuple(map(float, seen[name])) for name in "SVT")
    reach = max(S[1] - S[0], 6.0 * float(seen["heat_capacity"]) ** 0.5)
    return (S[0] - reach, S[1] + reach), (V[0] / 3.0, V[1] * 3.0), (T[0] / 3.0, T[1] * 3.0)


def export(
    folder: str | os.PathLike[str],
    path: str | os.PathLike[str],
    reference: Reference | None = None,
) -> Potential:
    """Writes the potential file of a model folder (results/<name>/<model>/seed<k>).

    Args:
        folder: of the model.
        path: of the file.
        reference: undeformed bonds; needed by a solid, see `Conditions`.

    Raises:
        InputError: if the folder holds no metriplectic model.
    """
    learned = load(folder)
    if not isinstance(learned, Learned):
        raise InputError(f"{folder} holds a baseline: only metriplectic models run in LAMMPS.")
    made = of_learned(learned, reference)
    digest = hashlib.sha256((Path(folder) / "model.safetensors").read_bytes()).hexdigest()
    made.words["provenance.folder"] = str(folder)
    made.words["provenance.weights"] = f"sha256 {digest}"
    write(path, made)
    return made

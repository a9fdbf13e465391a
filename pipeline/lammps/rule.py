"""A model as one set of words and numbers, by which the plugin and the compiled engine run it."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from pipeline.closures.reference import Reference
from pipeline.errors import InputError
from pipeline.lammps.forms import bonds, entries
from pipeline.lammps.potential import Potential
from pipeline.lammps.tabulate import Domain
from pipeline.metriplectic.gate import GATE
from pipeline.metriplectic.model import Metriplectic

Ranges = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]


def potential(
    model: Metriplectic,
    anchor: float,
    ranges: Ranges,
    gate: float | None = GATE,
    reference: Reference | None = None,
) -> Potential:
    """The words and numbers of a model, in its reduced units (a, dt).

    Args:
        model: learned or analytic.
        anchor: temperature at which driven particles are held.
        ranges: of entropy, volume and temperature that tables of networks span.
        gate: greatest friction rate of a pair per step, as in `Conditions`; None for no bound.
        reference: undeformed bonds; needed by a solid.

    Raises:
        InputError: if a solid is given no reference.
    """
    model = copy.deepcopy(model).double().cpu()
    numbers: dict[str, Any] = {
        "dimension": model.scales.dimension,
        "cutoff": model.cutoff,
        "k_B": float(model.k_B),
        "mass": float(model.m),
        "anchor": anchor,
        "gate": 1e300 if gate is None else gate,
        "strong": 0.0,
    }
    made = Potential({}, {name: np.array([float(value)]) for name, value in numbers.items()})
    domain = Domain(model.cutoff, *ranges)
    own = (model.volume, model.energy_closure, model.friction)
    around = (model.bath, model.external, model.pair_energy, model.neighbourhood)
    parts = [entries(x, domain) for x in (*own, *(x for x in around if x is not None))]
    if model.strain is not None:
        if reference is None:
            raise InputError("A solid is exported with its undeformed bonds: pass a reference.")
        parts += [entries(model.strain, domain), bonds(reference)]
    for words, values in parts:
        made.words.update(words)
        made.numbers.update(values)
    return made

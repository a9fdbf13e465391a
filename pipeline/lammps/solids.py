"""Elastic solids in a potential file: the closure, and the bonds of one undeformed configuration.

    solid.bonds      (B, 2) tags of the two ends       solid.r0       (B, D) undeformed r_ij
    solid.weight     (B,)                              solid.inverse  (N, D, D)

in the notation of `pipeline.closures.reference`. The file is then for this solid alone.
"""

from __future__ import annotations

import numpy as np

from pipeline.closures.reference import Reference
from pipeline.closures.strain import GreenStrain, PaperStrain
from pipeline.lammps.closures import array, entries, named
from pipeline.lammps.networks import prefixed, weights
from pipeline.lammps.potential import Potential
from pipeline.lammps.tables import Domain


def bonds(reference: Reference) -> Potential:
    """The undeformed configuration; row i of a system has the tag i + 1."""
    ends = np.stack([array(k) + 1 for k in (reference.bonds.i, reference.bonds.j)], 1)
    numbers = {
        "bonds": ends,
        "r0": reference.r0,
        "weight": reference.weight,
        "inverse": reference.inverse,
    }
    return named("solid", {}, numbers)


@entries.register
def _(closure: GreenStrain, domain: Domain) -> Potential:
    logs = {"c": closure.log_c, "bulk": closure.log_b, "zigzag": closure.log_s}
    moduli = {name: array(closure.T0) * np.exp(array(log)) for name, log in logs.items()}
    return named(
        "strain", {"kind": "green"}, {name: np.atleast_1d(x) for name, x in moduli.items()}
    )


@entries.register
def _(closure: PaperStrain, domain: Domain) -> Potential:
    numbers = {
        **prefixed("bond", weights(closure.strain)),
        **prefixed("energy", weights(closure.network)),
    }
    return named("strain", {"kind": "paper"}, numbers)

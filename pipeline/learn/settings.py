"""Settings of training: their defaults and meaning, and the models that a report compares."""

from __future__ import annotations

from typing import Any

from pipeline.baselines.build import KINDS as BASELINES
from pipeline.closures import bath, external, pair_energy
from pipeline.metriplectic.settings import LEARNED

# One line each: this table is the documentation that config.yaml refers to.
DEFAULTS: dict[str, Any] = {
    "model": "metriplectic",  # metriplectic | gns | gns_sde | dpd
    "width": 32,  # of the hidden layers of a graph network
    "layers": 2,  # of message passing
    # A preset of metriplectic/settings.py: splines | networks (the paper's, ten times slower) | ...
    "closures": "splines",
    "strain": "green",  # elastic energy of a solid: green | paper (not objective) | none
    "volume_factor": True,  # friction times V_i V_j, as in smoothed dissipative particle dynamics
    "warm_start": True,  # splines start from a linear regression of forces and friction
    "heat_capacity": 30.0,  # C of a particle at the start [k_B]; its T fluctuates by sqrt(1 / C)
    # Medium around the particles: none | uniform (friction and noise, the same for all) | crowded
    # (depending on the local volume) | brownian (velocities are forgotten within a snapshot
    # interval; without pair friction and entropies).
    "bath": "none",
    "bath_flow": "rest",  # of the medium: rest | sample (a cubic through the sample's velocities)
    "bath_weight": 1.0,  # weight of ln^2(T_b / T0) of an inertial bath
    "external": "none",  # potential of a particle: none | walls (of the view) | field (over it)
    "pair_energy": "none",  # energy of pairs beside U(S, V), for attraction: none | splines
    "pair_friction": True,  # friction and noise of pairs
    "loss": "heat",  # heat (gauge fixed) | paper (the printed loss, temperature still anchored)
    "entropy": "latent",  # latent (teacher + z per particle) | teacher (the paper's) | none (S = 0)
    "train": 0.5,  # fraction of the snapshots for training, from the first on
    "validation": 0.1,  # fraction that follows, for choosing the checkpoint; the rest is the test
    "steps": 1500,  # optimiser steps; the learning rate falls to a hundredth along them
    "batch": 5,  # snapshots per step
    "stride": 1,  # snapshots from the state before a step to the one after, see learn/stride.py
    "learning_rate": 0.01,  # peak of Adam's rate, reached after 3 % of the steps
    "latent_rate": 0.05,  # the same for the latents z
    "clip": 10.0,  # largest norm of the gradient
    "entropy_weight": 0.15,  # weight of the entropy part of the likelihood (.1 to .2)
    "anchor_weight": 10.0,  # weight of ln^2(<T> / T0)
    # Weight of the pair term; 1 is its share in the joint likelihood. Multiplied by the square of
    # the fraction of var(v' - v) that is not localisation error, which would bias it.
    "pair_weight": 1.0,
    "conduction_weight": 1.0,  # weight of ln^2 of the ratio of heating to conduction noise
    "smoothness": 1.0,  # factor on the smoothness penalty of the closures
    "latent_scale": 5.0,  # width of the normal prior of z [k_B]
    # What is done about the measured localisation error: corrected (its simulated twin takes the
    # bias off, see learn/twin.py), covariance (its variance is added to that of the velocities)
    # or none.
    "localisation": "corrected",
    # Error put on the positions and velocities that the model is shown, not on those it is to
    # predict [a]: for data without noise, see `learn/twin.shaken`.
    "shake": 0.0,
    "strength": True,  # a strength s_i per particle makes the kernel s_i s_j w(r)
    "strength_scale": 0.3,  # width of the normal prior of ln s
    "strength_rate": 0.01,  # peak learning rate of ln s
    "floor": 1e-3,  # least velocity variance per step, as a fraction of var(v' - v)
    "hole_distance": 2.0,  # rows nearer to an untracked particle are left out [cutoffs]
    "validate_every": 50,  # steps between validations, which are also the checkpoints
    "validation_snapshots": 30,  # evenly spread in the validation block
    "rollout_steps": 30,  # of the stability check at each validation
    "rollout_substeps": 1,  # integrator steps in each of them
    "patience": 12,  # validations without improvement after which training stops
    "max_minutes": None,  # CPU time after which training stops; None: no limit
    "precision": "float32",  # float32 | float64
    "device": "cpu",  # cpu | cuda | auto
}


def complete(settings: dict[str, Any]) -> dict[str, Any]:
    """The defaults with ``settings`` over them.

    Raises:
        ValueError: if a name is unknown or a choice is not among those offered.
    """
    unknown = sorted(set(settings) - set(DEFAULTS))
    if unknown:
        raise ValueError(
            f"Unknown training setting {', '.join(unknown)}: the known ones are "
            f"{', '.join(DEFAULTS)}."
        )
    full = {**DEFAULTS, **settings}
    choices = {
        "model": ("metriplectic", *BASELINES),
        "closures": LEARNED,
        "strain": ("green", "paper", "none"),
        "loss": ("heat", "paper"),
        "entropy": ("latent", "teacher", "none"),
        "bath": ("none", *bath.KINDS),
        "bath_flow": ("rest", "sample"),
        "external": ("none", *external.KINDS),
        "pair_energy": ("none", *pair_energy.KINDS),
        "localisation": ("corrected", "covariance", "none"),
        "precision": ("float32", "float64"),
        "device": ("cpu", "cuda", "auto"),
    }
    for name, offered in choices.items():
        if full[name] not in offered:
            raise ValueError(
                f"The training setting {name} is {full[name]!r}: choose one of "
                f"{', '.join(offered)}."
            )
    if full["bath"] == "brownian":
        full.update(pair_friction=False, entropy="none")
    return full


VARIANTS: dict[str, dict[str, Any]] = {
    # Ours: spline closures, heat-scored entropy, a latent entropy and strength per particle, the
    # bias of localisation error taken off.
    "metriplectic": {},
    # The same without the elastic energy of a solid (paper, 4.1); for a fluid no different.
    "metriplectic_no_udev": {"strain": "none"},
    # The paper's networks, teacher and printed loss, its gauge fixed by the temperature anchor.
    "metriplectic_paper": {
        "closures": "networks",
        "strain": "paper",
        "loss": "paper",
        "entropy": "teacher",
        "strength": False,
        "localisation": "covariance",
        "volume_factor": False,
    },
    # The baselines (paper, appendix F), on the same data within the same time: a graph network
    # needs about five times ours for a snapshot, so it takes one per step. GNS is fitted by mean
    # squares as its authors do. GNS-SDE is told the variance of the localisation error: under the
    # corrected score, which rewards reacting to a simulated error, so flexible a model runs away
    # (the default data set, within 150 steps), and four parameters do not.
    "gns": {"model": "gns", "learning_rate": 2e-3, "batch": 1, "localisation": "none"},
    "gns_sde": {
        "model": "gns_sde",
        "learning_rate": 2e-3,
        "batch": 1,
        "localisation": "covariance",
    },
    "dpd": {"model": "dpd"},
}


def variant(name: str) -> dict[str, Any]:
    """Settings that make the model ``name`` out of the defaults.

    Raises:
        ValueError: if there is no such model.
    """
    if name not in VARIANTS:
        raise ValueError(f"There is no model {name!r}: choose from {', '.join(VARIANTS)}.")
    return VARIANTS[name]

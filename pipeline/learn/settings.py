"""Settings of training, and the models that a report compares as settings of one training."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from pipeline.baselines import BASELINES
from pipeline.schema import Refused, Section, key
from pipeline.split import Split

VALIDATIONS = 8  # along the steps of Gauss-Newton
# Least share of motion in what velocities change by over a step, the rest being error of the
# positions; docs/howto/paper.md has what films of three brightnesses gave.
ENOUGH = 0.15


class Training(Section):
    """How a model is trained, and which; what a config file may set comes first."""

    steps: int = key(
        "Optimiser steps of whatever gauss_newton below does not train; the learning rate rises "
        "over the first 3 % and falls along the rest.",
        default=1000,
        least=1,
        most=100_000_000,
    )
    optimizer: Literal["auto", "adam", "gauss_newton"] = key(
        "What takes the steps of a metriplectic model with spline closures: adam (steps steps, as "
        "of every other model), gauss_newton (newton_steps steps along the curvature of the "
        "likelihood, from a regression of force, friction and strengths at once); auto: "
        "gauss_newton where it was seen to end as likely, on tracks with errors of particles with "
        "inertia in an open view, each with a strength of its own and a heat capacity of 1000 or "
        "more; else adam.",
        default="auto",
    )
    newton_steps: int = key(
        "Steps of gauss_newton, in place of steps. Each eighth of them ends with a validation, and "
        "training after four validations without improvement.",
        default=40,
        unit="steps",
        least=4,
        most=100_000_000,
    )
    batch: int = key("Snapshots per step.", default=5, unit="snapshots", least=1, most=100_000)
    stride: int | None = key(
        "Snapshots from the state before a training step to the one after. 1 is right where "
        "velocities change at random from one snapshot to the next. Where they change smoothly "
        "(filmed or recorded faster than what pushes the particles forgets), friction and noise "
        "come out too small: raise it until the friction in the report stays the same. null: 1; "
        "of tracks of particles with inertia as many as it takes for 15 % of what velocities "
        "change by to be motion and not error of the positions, beside which motion grows with "
        "the cube of the stride, and no more than a velocity is forgotten in; or as many as it "
        "takes in an overdamped film whose frames are averages of several.",
        default=None,
        unit="snapshots",
        least=1,
        most=1000,
    )
    learning_rate: float = key("Peak of the learning rate.", default=0.01, above=0, most=1)
    steady: float = key(
        "Fraction of the steps after which the learning rate falls: 0 right away. At the peak the "
        "model travels fastest and its noise stays: 0.7 of 300 steps makes a sheared monolayer as "
        "likely as 0 of 1000.",
        default=0.0,
        unit="of the steps",
        least=0,
        most=0.95,
    )
    validate_every: int = key(
        "Steps between validations, each of which is also a checkpoint.",
        default=50,
        unit="steps",
        least=1,
        most=100_000_000,
    )
    patience: int = key(
        "Validations without improvement after which training stops.",
        default=12,
        unit="validations",
        least=1,
        most=100_000_000,
    )
    max_minutes: float | None = key(
        "Limit of CPU time per model and seed, minutes (a busy machine takes longer, and gets the "
        "same model); the best checkpoint so far is kept. null: none.",
        default=4.0,
        unit="of CPU time",
        above=0,
        most=1e6,
    )
    localisation: Literal["auto", "corrected", "covariance", "none"] = key(
        "What is done about the measured localisation error: corrected (its simulated twin takes "
        "the bias off force and friction), covariance (its variance is added to that of the "
        "velocities, the plain remedy), none; auto: covariance where less than 15 % of what "
        "velocities change by from one frame to the next is motion, so that steps have to be "
        "longer (stride), else corrected.",
        default="auto",
    )
    strength: bool = key(
        "Give every particle a strength of its own, s_i s_j w(r): without it a mixture of sizes "
        "looks several times too soft.",
        default=True,
    )
    strain: Literal["green", "paper", "none"] = key(
        "Elastic energy of a solid, for data with an undeformed configuration: green (of the Green "
        "strain, which a rotation does not change), paper (not objective), none.",
        default="green",
    )
    shake: float = key(
        "For data without any noise: error put on the positions and velocities that a model is "
        "shown, in neighbour distances, while it is asked for the true next ones. Without it "
        "nothing tells what brings a particle back that has left its path. 0 for measured data.",
        default=0.0,
        unit="in mean neighbour distances",
        least=0,
        most=10,
    )
    bath: Literal["auto", "none", "uniform", "crowded", "active", "brownian"] = key(
        "Medium around the particles. none; uniform: friction and noise against a liquid at "
        "temperature T_b, the same for all; crowded: depending on the local volume; active: "
        "friction of either sign and noise, each by itself, as of air that feeds motion (no "
        "fluctuation-dissipation theorem holds then); brownian: velocities are forgotten within a "
        "frame, so that D and forces over kT are what is learned; auto: brownian where the tracks "
        "say that the film is overdamped; of particles with inertia that nobody joins or leaves, "
        "active where it predicts the validation block better; else none.",
        default="auto",
    )
    bath_flow: Literal["rest", "sample"] = key(
        "How that medium moves: rest, or sample (a smooth flow through the velocities of the "
        "sample, for a liquid that shears with it).",
        default="rest",
    )
    memory: Literal["none", "auto", "maxwell", "active"] = key(
        "Forces of the medium that last longer than a step, each particle's own, as one or two "
        "modes that decay, of as many as make the validation block likelier by more than twice the "
        "standard error. none; maxwell: friction that depends on the past and the noise that "
        "belongs to it, as of a viscoelastic liquid; active: forces that no friction need belong "
        "to; auto: maxwell, or active where that is likelier by as much. Found after training, "
        "from what it leaves unexplained; not for overdamped films, and not in LAMMPS. Of a solid "
        "that moves by itself its bonds remember, as Maxwell elements whatever is asked for, "
        "and the report has the moduli that decay.",
        default="none",
    )
    external: Literal["auto", "none", "walls", "field", "walls_field"] = key(
        "Potential of a single particle: none, walls (along the sides of the view), field (smooth, "
        "over the view), walls_field (walls, and a smooth field such as a tilt on top of them); "
        "auto: where nobody enters or leaves, each in turn, kept where the validation block is "
        "likelier with it by more than twice the standard error, else none.",
        default="auto",
    )
    pair_energy: Literal["auto", "none", "splines"] = key(
        "Energy of pairs beside U(S, V), which only repels: none, splines (may attract); auto: "
        "splines where the tracks of an overdamped film show an attraction and the validation "
        "block is likelier with it by more than twice the standard error, else none.",
        default="auto",
    )
    volume_factor: bool = key(
        "Friction proportional to V_i V_j, as in smoothed dissipative particle dynamics; the "
        "paper's has no such factor.",
        default=True,
    )
    entropy_weight: float = key(
        "Weight in the loss of the entropy part of the likelihood (.1 to .2).",
        default=0.15,
        least=0,
        most=1e6,
    )
    anchor_weight: float = key(
        "Weight in the loss of the temperature anchor ln^2(<T> / T0).",
        default=10.0,
        least=0,
        most=1e6,
    )
    # Multiplied by the square of the fraction of var(v' - v) that is not localisation error, which
    # would bias it.
    pair_weight: float = key(
        "Weight in the loss of the pair term; 1 is its share in the joint likelihood.",
        default=1.0,
        least=0,
        most=1e6,
    )
    smoothness: float = key(
        "Weight in the loss of the smoothness of the splines.", default=1.0, least=0, most=1e6
    )
    heat_capacity: float = key(
        "Heat capacity of a particle at the start, k_B; training may change it. Temperatures "
        "fluctuate by 1/sqrt(C) and rise by the work done over C. A colloid shares its heat with "
        "the liquid around it, so it is large; an ideal gas of 10 atoms per particle has 15. Where "
        "an inertial medium takes up heat itself (bath: uniform) take 15, too: a large one makes "
        "energy less work drift.",
        default=1000.0,
        unit="k_B",
        above=0,
        most=1e12,
    )
    rollout_steps: int = key(
        "Length in steps of the rollout that each checkpoint must survive on the validation block.",
        default=30,
        least=2,
        most=1_000_000,
    )
    rollout_substeps: int = key(
        "Integrator steps per snapshot in that rollout, and the fewest that rollouts take where "
        "rollout.substeps is null.",
        default=1,
        least=1,
        most=1000,
    )
    device: Literal["cpu", "cuda", "auto"] = key(
        "cpu, cuda, or auto: cuda where there is one.", default="auto"
    )
    precision: Literal["float32", "float64"] = key("float32 or float64.", default="float32")

    # What makes one model out of another (`VARIANTS`), and what has not needed another value yet.
    split: Split = Split()
    seed: int = 0  # of initial weights and the order of batches
    model: str = "metriplectic"  # or the name of a baseline
    width: int = 32  # of the hidden layers of a graph network
    layers: int = 2  # of message passing
    closures: str = "splines"  # a preset of metriplectic/presets.py
    warm_start: bool = True  # splines start from a linear regression of forces and friction
    loss: Literal["heat", "paper"] = "heat"  # gauge fixed, or as printed (T still anchored)
    # teacher + z per particle, the paper's teacher alone, or S = 0.
    entropy: Literal["latent", "teacher", "none"] = "latent"
    bath_weight: float = 1.0  # weight of ln^2(T_b / T0) of an inertial bath
    pair_friction: bool = True  # friction and noise of pairs
    latent_rate: float = 0.05  # peak learning rate of the latents z
    clip: float = 10.0  # largest norm of the gradient
    conduction_weight: float = 1.0  # weight of ln^2 of the ratio of heating to conduction noise
    latent_scale: float = 5.0  # width of the normal prior of z [k_B]
    strength_scale: float = 0.3  # width of the normal prior of ln s
    strength_rate: float = 0.01  # peak learning rate of ln s
    newton_rate: float = 0.3  # peak fraction of a whole Gauss-Newton step
    floor: float = 1e-3  # least velocity variance per step, as a fraction of var(v' - v)
    hole_distance: float = 2.0  # rows nearer to an untracked particle are left out [cutoffs]
    validation_snapshots: int = 30  # evenly spread in the validation block

    @property
    def span(self) -> int:
        """Snapshots per step, 1 where that is left open."""
        return self.stride or 1

    def scheduled(self) -> Training:
        """With the schedule of Gauss-Newton steps where the model can take them."""
        splines = self.model == "metriplectic" and self.closures == "splines"
        if self.optimizer != "gauss_newton" or not splines or self.loss != "heat":
            return self.replace(optimizer="adam")
        every = min(self.validate_every, max(self.newton_steps // VALIDATIONS, 1))
        patience = min(self.patience, VALIDATIONS // 2)
        return self.replace(
            steps=self.newton_steps, steady=0.0, validate_every=every, patience=patience
        )

    def complete(self) -> Training:
        """With what the bath decides, and nothing left to the data."""
        names = ("bath", "external", "pair_energy")
        decided = self.replace(**{n: "none" for n in names if getattr(self, n) == "auto"})
        if self.bath == "brownian":
            # Pairs do not know of others, as volumes do.
            reach = 1.0 if self.closures == "splines" else self.hole_distance
            near = min(reach, self.hole_distance)
            return decided.replace(pair_friction=False, entropy="none", hole_distance=near)
        return decided

    def record(self) -> dict[str, Any]:
        """Every setting by name, as model.yaml keeps them."""
        found = dataclasses.asdict(self)
        return {**found, **found.pop("split")}


class Variant(NamedTuple):
    """A model that a report can compare."""

    label: str  # in figures and tables
    text: str  # what it is, for the comment of `models` in config.yaml
    changes: Mapping[str, Any] = {}  # of the settings of training


# That open questions 1 and 4 compare; 3 where velocities are differences of positions.
STRIDES = (1, 2, 3, 4, 8, 24)

VARIANTS: dict[str, Variant] = {
    # Heat-scored entropy, a latent entropy and strength per particle, the bias of localisation
    # error taken off.
    "metriplectic": Variant("metriplectic", "ours: spline closures, fixed gauge"),
    # Open question 1: what the error of the positions does where it is not corrected for.
    "metriplectic_covariance": Variant(
        "metriplectic, error in the variance",
        "ours, with the localisation error added to the variance of velocities alone",
        {"localisation": "covariance"},
    ),
    "metriplectic_uncorrected": Variant(
        "metriplectic, uncorrected",
        "ours, with the localisation error left in",
        {"localisation": "none"},
    ),
    # Paper, 4.1; for a fluid no different.
    "metriplectic_no_udev": Variant(
        "metriplectic, no elastic part",
        "the same for a solid, without its elastic energy",
        {"strain": "none"},
    ),
    "metriplectic_memory": Variant(
        "metriplectic, with memory",
        "ours with modes of memory, where residuals show them",
        {"memory": "auto"},
    ),
    # Open question 2; for a fluid.
    "metriplectic_many_body": Variant(
        "metriplectic, many-body",
        "ours, with volumes that depend on the neighbours' neighbours by message passing; fluids",
        {"closures": "many_body"},
    ),
    # With the paper's teacher; the gauge is fixed by the temperature anchor.
    "metriplectic_paper": Variant(
        "metriplectic, as printed",
        "the paper's networks and printed loss, gauge fixed",
        {
            "closures": "networks",
            "strain": "paper",
            "loss": "paper",
            "entropy": "teacher",
            "strength": False,
            "localisation": "covariance",
            "volume_factor": False,
        },
    ),
    **{
        f"metriplectic_stride{k}": Variant(
            f"metriplectic, stride {k}", f"ours with train.stride {k}", {"stride": k}
        )
        for k in STRIDES
    },
} | {
    name: Variant(entry.label, f"a baseline: {entry.text}", {"model": name, **entry.changes})
    for name, entry in BASELINES.items()
}


def variant(name: str, settings: Training | None = None) -> Training:
    """Settings that make the model ``name`` out of the given ones, or of the defaults.

    Raises:
        Refused: if there is no such model.
    """
    if name not in VARIANTS:
        raise Refused([f"There is no model {name!r}: choose from {', '.join(VARIANTS)}."])
    return (settings or Training()).replace(**VARIANTS[name].changes)

"""Everything one training needs, made ready: tensors, measured scales, a model to start from."""

from __future__ import annotations

import copy
from typing import NamedTuple

import lightning
import numpy as np
import torch

from pipeline import regime, slots
from pipeline.analysis.drag import Drag
from pipeline.closures.bath import Uniform
from pipeline.closures.energy import ExponentialEnergy
from pipeline.dynamics.driven import thermal_period
from pipeline.errors import InputError
from pipeline.forcing import sample_flow
from pipeline.graphs import Graphs
from pipeline.learn import scales, step_length, within_frame
from pipeline.learn.baseline import BaselineLearner, start_baseline
from pipeline.learn.brownian_noise import Given
from pipeline.learn.curvature import NewtonLearner
from pipeline.learn.data import Transition
from pipeline.learn.initial_closures import Likeliest, start_brownian, start_from_regression
from pipeline.learn.latent import Latent
from pipeline.learn.learner import Learner
from pipeline.learn.likelihood import equal_noise
from pipeline.learn.mixtures import Known
from pipeline.learn.scales import Measured, Noise, model_settings
from pipeline.learn.settings import Training
from pipeline.learn.snapshots import Sample, Snapshots
from pipeline.learn.strides import Strided, strided
from pipeline.learn.trainee import Trainee
from pipeline.localisation import of_particles
from pipeline.metriplectic.model import Metriplectic, build
from pipeline.split import Split, blocks
from pipeline.trajectory import Trajectory

HEAVY = 1000.0  # k_B, heat capacity from which on Gauss-Newton was seen to end as likely as Adam
# Settings by which the tensors of a task differ from those of another of the same data.
DECIDE_TENSORS = ("split", "stride", "hole_distance", "precision", "device")


class Task(NamedTuple):
    """Everything one training needs."""

    sample: Sample  # of the training block
    validation: np.ndarray  # the same of the validation block
    parts: dict[str, slice]  # the blocks of the whole trajectory
    measured: Measured
    learner: Trainee
    settings: Training
    steps: Strided  # the snapshots, before they were tensors

    @property
    def snapshots(self) -> Snapshots:
        """All of the data."""
        return self.sample.snapshots


def by_regime(settings: Training, trajectory: Trajectory) -> Training:
    """The settings with ``bath: auto`` decided, brownian where velocities are forgotten, and no
    other term that is left to the data; and with the stride that averaged frames ask for."""
    known = trajectory.attributes
    if settings.bath == "auto" and known.get("regime") == "overdamped":
        settings = settings.replace(bath="brownian")
    settings = settings.replace(split=Split(**settings.split.of(trajectory)._asdict()))
    settings = by_error(settings, trajectory)
    if settings.stride is None and "steps_alike" in known:
        D = known["diffusion"][0] * trajectory.dt
        settings = settings.replace(stride=regime.stride(np.array(known["step_covariance"]), D))
    return settings.replace(stride=settings.span).complete()


def by_error(settings: Training, trajectory: Trajectory) -> Training:
    """The settings with the step and the remedy that the error of the positions asks for.

    Where steps have to be longer errors are small beside motion over them, and taking them off
    makes friction too small: see docs/howto/paper.md, amplitude.
    """
    inertial = settings.bath != "brownian" and step_length.applies(trajectory)
    open_step = settings.stride is None and inertial
    if settings.localisation != "auto" and not open_step:
        return settings
    found = step_length.StepLength(1, bright=True)
    if inertial:
        found = step_length.of(
            trajectory, blocks(trajectory, *settings.split.of(trajectory))["train"]
        )
    if open_step:
        settings = settings.replace(stride=found.stride)
    if settings.localisation == "auto":
        settings = settings.replace(localisation="corrected" if found.bright else "covariance")
    return settings


def by_optimizer(settings: Training, trajectory: Trajectory) -> Training:
    """The settings with ``optimizer: auto`` decided, and its schedule.

    Gauss-Newton steps start close by where strengths come from the regression, too, and errors of
    the positions dominate what is left, and heat hardly changes a temperature: forces of particles
    with little heat capacity hang on entropies, which are far from their end then. Exact positions
    ask for more of the closures than a few steps along a curvature measured once can give:
    docs/reference/speed.md.
    """
    if settings.optimizer == "auto":
        close = settings.strength and settings.localisation == "corrected"
        passive = settings.bath not in ("active", "brownian") and not settings.shake
        heavy = settings.heat_capacity >= HEAVY
        newton = close and passive and heavy and trajectory.passing
        newton = newton and float(trajectory.attributes["localisation_error"]) > 0
        settings = settings.replace(optimizer="gauss_newton" if newton else "adam")
    return settings.scheduled()


def position_variance(settings: Training, trajectory: Trajectory) -> float:
    """Of the positions, as steps of training show it, see `scales.Noise.error` [length^2]."""
    known = trajectory.attributes
    if settings.localisation == "none":
        return 0.0
    if settings.bath == "brownian" and "steps_alike" in known:
        D = known["diffusion"][0] * trajectory.dt
        return regime.beyond(np.array(known["step_covariance"]), D, settings.span)
    return float(known["localisation_error"]) ** 2


def position_range(settings: Training, trajectory: Trajectory) -> tuple[float, float] | None:
    """95 % interval of `position_variance` [length^2], None where it is not known."""
    known = trajectory.attributes
    if settings.localisation == "none":
        return None
    if settings.bath == "brownian" and "steps_alike" in known:
        covariance, (_, low, high) = np.array(known["step_covariance"]), known["diffusion"]
        ends = [regime.beyond(covariance, D * trajectory.dt, settings.span) for D in (high, low)]
        return ends[0], ends[1]
    if "localisation_interval_px" not in known:
        return None
    length = float(known["mpp"]) if known["length_unit"] == "um" else 1.0
    low, high = np.square(known["localisation_interval_px"]).mean(axis=0) * length**2
    return float(low), float(high)


def prepare(
    trajectory: Trajectory,
    graphs: Graphs,
    settings: Training,
    seed: int,
    before: Task | None = None,
    drag: Drag | None = None,
) -> Task:
    """Tensors, measured scales and a model to start from.

    Args:
        drag: of the medium, where tracks tell it; a uniform bath holds it.
        before: made of the same data: its tensors serve again where the settings ask for the same.
    """
    settings = by_regime(settings.replace(seed=seed), trajectory)
    parts = blocks(trajectory, *settings.split.of(trajectory))
    steps, snapshots = _tensors(trajectory, graphs, parts, settings, before)
    train, validation = (snapshots.usable(steps.parts[name]) for name in ("train", "validation"))
    for name, times in (("training", train), ("validation", validation)):
        if len(times) == 0:
            raise InputError(
                f"The {name} block has no pair of successive snapshots with a free particle: "
                f"change the split (train, validation) or record more frames."
            )
    sample = Sample(snapshots, train)
    # A solid's edges are led as they were, and its motion is none that is thermal.
    solid = trajectory.reference is not None
    period = None if solid else thermal_period(trajectory, parts["train"])
    measured, noise = _measured(trajectory, sample, settings, period)
    if noise.corrected and settings.bath != "brownian":
        seen = slice(parts["train"].start, parts["validation"].stop)
        blur = torch.from_numpy(of_particles(trajectory, seen))
        snapshots.blur = blur.to(snapshots.device, snapshots.dtype)
    lightning.seed_everything(seed, verbose=False)
    learner: Trainee
    if settings.model == "metriplectic":
        learner = _metriplectic(sample, (measured, noise), settings, steps.trajectory, drag)
        if learner.settled and not settings.strength:
            settings = settings.replace(steps=1, validate_every=1)
            learner.options = settings
    else:
        model = start_baseline(sample, measured, settings)
        learner = BaselineLearner(model, settings, noise)
    return Task(sample, validation, parts, measured, learner, settings, steps)


def _device(settings: Training) -> str:
    """Where tensors live. Raises InputError where a GPU is asked for and there is none."""
    if settings.device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if settings.device == "cuda" and not torch.cuda.is_available():
        raise InputError(
            f"train.device is cuda and torch {torch.__version__} finds no GPU it can use on this "
            f"machine: set train.device to auto or cpu, or install torch for your driver."
        )
    return settings.device


def _tensors(
    trajectory: Trajectory,
    graphs: Graphs,
    parts: dict[str, slice],
    settings: Training,
    before: Task | None,
) -> tuple[Strided, Snapshots]:
    """Snapshots in the strides of the training, as they are and as tensors."""
    device = _device(settings)
    if before is not None and all(
        getattr(before.settings, name) == getattr(settings, name) for name in DECIDE_TENSORS
    ):
        # The flow, set below, is not the other task's.
        steps, snapshots = before.steps, copy.copy(before.snapshots)
    else:
        dtype = getattr(torch, settings.precision)
        steps = strided(trajectory, graphs, parts, settings.span)
        snapshots = Snapshots(
            steps.trajectory, steps.graphs, settings.hole_distance, dtype, device, steps.order
        )
    snapshots.flow, snapshots.blur = None, None
    if settings.bath != "none" and settings.bath_flow == "sample":
        snapshots.flow = sample_flow(steps.trajectory, snapshots.units)
    return steps, snapshots


def _measured(
    trajectory: Trajectory, sample: Sample, settings: Training, period: float | None
) -> tuple[Measured, Noise]:
    """Scales of the training block, and the noise that its steps hold."""
    length = sample.snapshots.units.length
    sigma = float(trajectory.attributes["localisation_error"]) / length
    sigma = 0.0 if settings.localisation == "none" else sigma
    ends = position_range(settings, trajectory)
    error = position_variance(settings, trajectory) / length**2
    measured = scales.measure(sample, error)._replace(thermal_period=period)
    pace = max(1.0, settings.rollout_substeps / 2)
    moved = scales.with_noise(measured, settings.shake, pace)
    # What drives an active medium may last for frames: it is taken as it shows.
    thermal = settings.bath not in ("brownian", "active") and settings.shake == 0
    averaged = thermal and trajectory.attributes["velocity"] == "backward difference"
    noise = Noise(
        sigma=sigma,
        error=error,
        error_range=None if ends is None else (ends[0] / length**2, ends[1] / length**2),
        floor=settings.floor * measured.change,
        temperature=measured.temperature,
        clean=measured.unexplained / moved.change,
        treatment=settings.localisation,
        step=1 / settings.span,
        shake=settings.shake,
        pace=pace,
        share=scales.shown(settings.span) if averaged else 1.0,
    )
    return moved, noise


def _metriplectic(
    sample: Sample,
    known: tuple[Measured, Noise],
    settings: Training,
    trajectory: Trajectory,
    drag: Drag | None,
) -> Learner:
    """Model and latents to start from."""
    measured, noise = known
    snapshots, train = sample
    scales = model_settings(sample, measured, settings)
    torch.manual_seed(settings.seed)
    model = build(scales).to(snapshots.device, snapshots.dtype)
    mask = snapshots.mask[train]
    count, who = len(trajectory.particle), trajectory.occupant
    who = None if who is None else who[train]
    scored, seen = (slots.ever(x, count, who) for x in (mask, trajectory.present[train]))
    latent = Latent(trajectory.particle, scored, seen if settings.strength else None)
    latent.to(snapshots.device, snapshots.dtype)
    if settings.bath == "brownian" and isinstance(model.energy_closure, ExponentialEnergy):
        # A pair potential, which the kernel alone describes.
        model.energy_closure.requires_grad_(False)
    given = _given(trajectory, settings, snapshots)
    likeliest = _start(model, sample, (measured, noise), settings, latent, given)
    if likeliest is not None:
        noise = noise.estimated(*likeliest.noise)
    held = None
    if drag is not None and drag.low > 0 and isinstance(model.bath, Uniform):
        # Instruments see through the errors of the positions, which the likelihood does not.
        held = Drag(*(x * snapshots.units.time for x in drag))
        model.bath.hold(held.value)
    equal_noise(model, snapshots.batch(train[:1]))
    rows = int(mask.sum())
    kind = NewtonLearner if settings.optimizer == "gauss_newton" and likeliest is None else Learner
    learner = kind(model, latent, settings, noise, rows, likeliest, held)
    if smooth(settings, trajectory):
        learner.bends = within_frame.matters(learner, sample)
    if not isinstance(learner, NewtonLearner):
        return learner
    middle = train[len(train) // 2 :][:1]
    learner.measure_curvature(Transition(snapshots.batch(middle), snapshots.after(middle)))
    return learner


def smooth(settings: Training, trajectory: Trajectory) -> bool:
    """Whether steps are those of particles with inertia whose velocities are means over a frame."""
    plain = settings.bath != "brownian" and settings.span == 1 and not settings.shake
    fluid = trajectory.reference is None and settings.closures == "splines"
    return plain and fluid and trajectory.attributes["velocity"] == "backward difference"


def _start(
    model: Metriplectic,
    sample: Sample,
    known: tuple[Measured, Noise],
    settings: Training,
    latent: Latent,
    given: Given,
) -> Likeliest | None:
    """Closures and strengths from regressions; what was found where nothing is left to train."""
    measured, noise = known
    # What brings particles put aside back is not in the velocities that are regressed on.
    if not settings.warm_start or noise.shake:
        return None
    if settings.bath == "brownian":
        return start_brownian(model, sample, measured, given, noise.error)
    mixture = None
    if settings.optimizer == "gauss_newton" and settings.strength:
        sigma = noise.sigma if noise.corrected else 0.0
        mixture = Known(len(latent.z), sigma, settings.strength_scale, settings.seed)
    start_from_regression(model, sample, measured, latent, mixture)
    return None


def _given(trajectory: Trajectory, settings: Training, snapshots: Snapshots) -> Given:
    """What steps of Brownian motion do not tell.

    Where pictures are averages over frames the lags of all tracks tell the variance of steps.
    """
    known = trajectory.attributes
    if settings.localisation == "none":
        return Given(error=0.0)
    if "steps_alike" not in known:
        return Given()
    interval = trajectory.dt  # of a step of training
    return Given(2 * np.array(known["diffusion"]) * interval / snapshots.units.length**2)

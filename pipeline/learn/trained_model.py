"""The trained model on disk: model.safetensors and model.yaml, no code inside either."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
import yaml
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes

from pipeline.baselines import build as build_baseline
from pipeline.closures.reference import undeformed
from pipeline.dynamics.limits import Limits
from pipeline.dynamics.steppers import Plain
from pipeline.dynamics.thermal import Conditions, least_substeps
from pipeline.errors import InputError
from pipeline.files import MAKE_AGAIN, reading, sealed, sha256, unsealed, whole
from pipeline.forcing import sample_flow
from pipeline.learn.latent import alike, assign
from pipeline.metriplectic.model import Metriplectic, build
from pipeline.trajectory import Trajectory
from pipeline.units import ReducedUnits

if TYPE_CHECKING:  # a rollout has no use for lightning, which takes as long to load as torch
    from pipeline.learn.trainee import Trainee


class Learned(NamedTuple):
    """A trained metriplectic model with what its use needs."""

    model: Metriplectic
    labels: np.ndarray  # (K,) particles met in training
    z: np.ndarray  # (K,) their latent entropies [k_B]
    met: np.ndarray  # (M,) particles that have a strength; none where all are alike
    log_s: np.ndarray  # (M,) logarithm of their strengths
    record: dict[str, Any]  # contents of model.yaml

    def conditions(
        self, window: Trajectory, seed: int, substeps: int | None = 1, before: float = 0.0
    ) -> Conditions:
        """What `pipeline.dynamics.rollout.rollout` needs for the particles of a window.

        Particles met in training keep their latents. Others draw an entropy from its learned law
        and take the strength of the particle most like them in brightness, or draw one too. In
        another data set those drawn begin at its own kinetic temperature ``before``, where that is
        known [length^2 / time^2]. ``substeps`` per snapshot: None for those of `substeps`.

        Raises:
            InputError: if the window is not in the units the model was trained in.
        """
        units = _units(self.record, window)
        self._check_cutoff(window, units)
        # Labels mean the same particle in the data set of the training only.
        same = window.attributes["dataset"] == self.record["training"]["dataset"]
        labels, met = (known if same else known[:0] for known in (self.labels, self.met))
        z, own = assign(window.particle, labels, self.z, seed)
        log_s, known = assign(window.particle, met, self.log_s, seed + 1)
        log_s = alike(log_s, known, window)
        ranges = self.record["seen"]
        S, V, T = ((float(low), float(high)) for low, high in (ranges[k] for k in "SVT"))
        return Conditions(
            units=units,
            z=z,
            drawn=None if own.all() else ~own,
            beginning=None if same else self._beginning(before / units.velocity**2),
            strength=np.exp(log_s) if len(self.met) else None,
            thermal_period=self.record["measured"]["thermal_period"],
            temperature=float(ranges["mean_T"]),
            limits=Limits(S, V, T, float(ranges["speed"]), float(ranges["heat_capacity"])),
            substeps=self.substeps(substeps),
            reference=undeformed(window, units.length, self.model.cutoff),
            flow=sample_flow(window, units) if self.flows else None,
        )

    def reduced(self, length: float, before: float) -> Learned:
        """The same law in the units of another sample.

        Args:
            length: its neighbour distance [length].
            before: its kinetic temperature, mass 1 [length^2 / time^2]; that of the training in
                reduced units becomes this one.

        Raises:
            InputError: if nothing moves by heat there.
        """
        if not before > 0:
            raise InputError(
                f"The kinetic temperature before the test block must be above 0 to give units of "
                f"time, got {before:g}: turn rollout.reduced off."
            )
        time = length * (float(self.record["measured"]["temperature"]) / before) ** 0.5
        units = {**self.record["units"], "length": length, "time": time}
        return self._replace(record={**self.record, "units": units})

    def substeps(self, wanted: int | None) -> int:
        """Steps of a rollout per snapshot: those wanted, or those chosen after training."""
        chosen = self.record.get("substeps", {}).get("chosen", 1) if wanted is None else wanted
        return least_substeps(self.model, chosen)

    @property
    def flows(self) -> bool:
        """Whether the medium moves with the sample."""
        training = self.record["training"]
        return training.get("bath", "none") != "none" and training["bath_flow"] == "sample"

    def _check_cutoff(self, window: Trajectory, units: ReducedUnits) -> None:
        """A model of another scale would make everyone everyone's neighbour."""
        cutoff = float(self.model.cutoff) * units.length
        if window.reference is None and cutoff >= max(window.box.lengths):
            raise InputError(
                f"The cutoff of the model, {cutoff:.3g} {window.attributes['length_unit']}, covers "
                f"the whole box ({' x '.join(f'{x:.3g}' for x in window.box.lengths)}): it was "
                f"trained on data of another scale ({self.record['training']['dataset']}); see "
                f"models_of and video.mpp."
            )

    def _beginning(self, before: float) -> float | None:
        """Mean T that is to the temperature of another sample as it was in training."""
        share = self.record["seen"]["mean_T"] / self.record["measured"]["temperature"]
        return before * share or None


class LearnedBaseline(NamedTuple):
    """A trained baseline."""

    model: Any  # an nn.Module that is a pipeline.baselines.base.Baseline
    record: dict[str, Any]  # contents of model.yaml

    def conditions(
        self, window: Trajectory, seed: int, substeps: int | None = 1, before: float = 0.0
    ) -> Plain:
        """See `Learned`; a baseline knows neither particles nor temperature: seed and ``before``
        are unused, and takes one step per snapshot unless told otherwise."""
        return Plain(
            units=_units(self.record, window),
            speed=float(self.record["seen"]["speed"]),
            substeps=substeps or 1,
            thermal_period=self.record["measured"]["thermal_period"],
        )


def _units(record: dict[str, Any], window: Trajectory) -> ReducedUnits:
    units = record["units"]
    for name in ("length_unit", "time_unit"):
        if window.attributes[name] != units[name]:
            raise InputError(
                f"The trajectory's {name} is {window.attributes[name]} and the model was "
                f"trained on {units[name]}: convert one of them."
            )
    return ReducedUnits(float(units["length"]), float(units["time"]))


def save(folder: Path, learner: Trainee, record: dict[str, Any]) -> None:
    """Writes model.safetensors and model.yaml; each appears whole or not at all.

    Args:
        folder: results/<name>/<model>/seed<k>.
        learner: trained; the tensors of its model are stored under ``model.``, beside its own.
        record: plain values: units, seen ranges, training settings, provenance.
    """
    tensors = {f"model.{name}": value for name, value in learner.model.state_dict().items()}
    tensors = {
        name: value.cpu().contiguous() for name, value in (tensors | learner.tensors()).items()
    }
    weights = to_bytes(tensors)
    mark = hashlib.sha256(weights).hexdigest()
    content = sealed({"model": dict(learner.model.settings()), "weights": mark, **record})
    # With YAML's mark of the end: a file that was cut short could else be read as a whole one.
    text = yaml.safe_dump(content, sort_keys=False, explicit_end=True)
    with whole(folder / "model.yaml") as partial:
        partial.write_text(text)
    with whole(folder / "model.safetensors") as partial:
        partial.write_bytes(weights)


def load(folder: str | os.PathLike[str]) -> Learned | LearnedBaseline:
    """Reads what `save` wrote.

    Raises:
        InputError: if one of the files is missing, damaged, or does not fit the other.
    """
    folder = Path(folder)
    for name in ("model.safetensors", "model.yaml"):
        if not (folder / name).exists():
            raise InputError(f"{folder / name} does not exist: train the model first.")
    with reading(folder / "model.yaml", "the record of a trained model"):
        text = (folder / "model.yaml").read_text(encoding="utf-8")
        if not text.rstrip().endswith("\n..."):
            raise InputError("it does not end with '...': it was cut short")
        record = unsealed(yaml.safe_load(text))
        baseline = "kind" in record["model"]
        model = (build_baseline if baseline else build)(record["model"])
        _check(record)
    with reading(folder / "model.safetensors", "a trained model that fits its model.yaml"):
        tensors = load_file(folder / "model.safetensors")
        if record.get("weights") not in (None, sha256(folder / "model.safetensors")):
            raise InputError("its checksum is not the one in model.yaml")
        if bad := [name for name, value in tensors.items() if not value.isfinite().all()]:
            raise InputError(f"{bad[0]} holds numbers that are not finite")
        own = {k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")}
        kind = next(v.dtype for v in own.values() if v.is_floating_point())
        model.to(kind).load_state_dict(own)
        if baseline:
            return LearnedBaseline(model.eval(), record)
        z, log_s = (tensors[f"latent.{name}"].to(torch.float64).numpy() for name in ("z", "log_s"))
        labels, met = (tensors[f"latent.{name}"].numpy() for name in ("labels", "met"))
        if z.shape != labels.shape or log_s.shape != met.shape:
            raise InputError("its latents are not one for each of its particles")
        return Learned(model.eval(), labels, z, met, log_s, record)


def placed(weights: str | os.PathLike[str]) -> Learned | LearnedBaseline:
    """The model whose weights lie at results/<name>/<model>/seed<k>/model.safetensors.

    Raises:
        InputError: as `load`, and if it was trained on another data set, or for another place.
    """
    folder = Path(weights).parent
    learned = load(folder)
    place = {"dataset": folder.parts[-3], "source": f"{folder.parent.name}_{folder.name}"}
    for name, wanted in place.items():
        if (its := learned.record["training"].get(name)) != wanted:
            raise InputError(
                f"{folder} holds a model whose {name} is {its!r} and not {wanted!r}: {MAKE_AGAIN}."
            )
    return learned


def _check(record: dict[str, Any]) -> None:
    """Raises where model.yaml lacks what the use of a model needs."""
    for name in ("length", "time"):
        if not 0 < float(record["units"][name]) < float("inf"):
            raise InputError(f"units.{name} must be above 0, got {record['units'][name]!r}")
    for name in ("length_unit", "time_unit"):
        str(record["units"][name])
    float(record["seen"]["speed"]), record["measured"]["thermal_period"]
    str(record["training"]["dataset"])

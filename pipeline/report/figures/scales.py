"""From the reduced units of a model to those of the sample; energies in its mean temperature."""

from __future__ import annotations

from typing import Any, NamedTuple

from pipeline.report import style
from pipeline.report.records import Absent, Run
from pipeline.report.results import PRINTED, Results


class Scales(NamedTuple):
    """What a reduced 1 stands for.

    Fields:
        length, time: in the units named. temperature: mean of the particles, reduced (k_B = 1).
        dimension: of space.
    """

    length: float
    length_unit: str
    time: float
    time_unit: str
    temperature: float
    dimension: int

    @property
    def volume(self) -> float:
        return self.length**self.dimension

    @property
    def volume_unit(self) -> str:
        power = {2: "²", 3: "³"}.get(self.dimension, "")
        return f"{self.length_unit}{power}" if self.length_unit else ""

    @property
    def distance(self) -> str:
        """The label of an axis of distances."""
        return style.quantity("Distance r", self.length_unit)

    def per(self, top: str, unit: str) -> str:
        """ "kT/µm", or "kT" where lengths have no unit."""
        return f"{top}/{unit}" if unit else top


def metriplectic(results: Results) -> Run:
    """The first metriplectic run. Raises Absent where there is none."""
    for run in results.runs:
        if run.model.startswith("metriplectic"):
            return run
    raise Absent("No metriplectic model was trained, so there are no closures to show.")


def scales(results: Results) -> Scales:
    """Scales of the first metriplectic run, from its record."""
    record: dict[str, Any] = results.yaml(f"{metriplectic(results).folder}/model.yaml")
    units = record["units"]
    return Scales(
        float(units["length"]),
        PRINTED.get(units["length_unit"], units["length_unit"]),
        float(units["time"]),
        PRINTED.get(units["time_unit"], units["time_unit"]).removesuffix("s") or "s"
        if units["time_unit"] != "1"
        else "",
        float(record["seen"]["mean_T"]),
        int(record["model"]["dimension"]),
    )

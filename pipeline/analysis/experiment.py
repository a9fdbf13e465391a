"""An experiment over the snapshots that count: how it and every truth beside it is measured.

The experiment alone is asked what separates it from itself, which no model can be asked to beat.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pipeline.analysis import cycles, statistics
from pipeline.analysis.comparison import OVERLAPS, shared
from pipeline.analysis.correlations import shared_motion
from pipeline.analysis.metric import Counts, Metric, missing, sums
from pipeline.analysis.microscope import blur
from pipeline.analysis.plan import Plan, plan
from pipeline.analysis.rearrangements import D2MIN
from pipeline.analysis.runs import WHOLE, Share
from pipeline.analysis.settings import Statistics
from pipeline.analysis.uncertainty import error_between_halves
from pipeline.trajectory import Trajectory


@dataclass(frozen=True)
class Experiment:
    """A data set, the snapshots of it that are judged, and the plan that all sources share."""

    film: Trajectory  # all snapshots; its particles may share columns
    window: Trajectory  # those that count
    plan: Plan

    def count(self, source: Trajectory | None = None, share: Share = WHOLE) -> dict[str, Counts]:
        """What takes long of `measure`, of the time origins in one block of time; by names."""
        seen = self.window if source is None else source
        found = statistics.count(seen, self.plan, np.all(seen.free, axis=0), share)
        if source is None:
            found[cycles.FILM.name] = cycles.count_film(self.plan, self.film, share)
        return found

    def measure(
        self, source: Trajectory | None = None, counted: Mapping[str, Counts] | None = None
    ) -> dict[str, Metric]:
        """The statistics of a source over the same snapshots.

        Args:
            source: the truth behind the experiment, or another simulation; None: the experiment
                itself. Of it alone also the cycles of the whole film, whether its particles are
                carried together, and the noise floors of all errors.
            counted: what `count` gave of the same, of all blocks of time joined.
        """
        known, seen = counted or {}, self.window if source is None else source
        found = statistics.measure(seen, self.plan, np.all(seen.free, axis=0), counted=known)
        if source is None:
            found["cycles_film"] = cycles.film(self.plan, self.film, known.get(cycles.FILM.name))
            found["d2min"].attributes.update(shared_motion(self.film, self.plan))
            found["noise_floor"] = noise_floors(found, blurred_again(self.window, self.plan))
        return found


def experiment(
    film: Trajectory, rows: slice, spacing: float, settings: Statistics | None = None
) -> Experiment:
    """A data set as it is judged.

    Args:
        film: the data set.
        rows: the snapshots that count, see `pipeline.split.judged`.
        spacing: mean neighbour distance a [length].
        settings: choices in units of a.
    """
    wanted, window = settings or Statistics(), film.followed(rows)
    period = cycles.period(film, wanted.period) if wanted.rearrangements else None
    return Experiment(film, window, plan(window, spacing, wanted, period))


def blurred_again(source: Trajectory, settings: Plan) -> dict[str, Metric] | None:
    """The experiment seen with its localisation error once more; None where it has none."""
    sigma = source.attributes["localisation_error"]
    if not sigma:
        return None
    again = blur(source, sigma, np.random.default_rng(0))
    once = settings._replace(origins=1)  # only the map is wanted
    return D2MIN.measure(statistics.sample(again, once, np.all(source.free, axis=0)))


def noise_floors(found: dict[str, Metric], again: dict[str, Metric] | None = None) -> Metric:
    """Group noise_floor: what separates the experiment from itself.

    For curves the relative L2 error between two halves of the experiment. For the map its overlap
    with the map of the same experiment seen with its localisation error once more: no model can be
    asked for a larger one.

    Args:
        found: metrics of the experiment.
        again: the same, of the experiment blurred by its own localisation error.
    """
    errors = {
        name: error_between_halves(*sums(found[name]), statistics.SHAPES[name])
        for name in statistics.ERRORS
        if not found[name].missing
    }
    maps = found["d2min_map"], again["d2min_map"] if again else missing("Not measured.")
    if not (maps[0].missing or maps[1].missing):
        one, other, _ = shared(*maps)
        every = np.ones((1, len(one)))
        errors |= {name: float(overlap(one, other, every)[0]) for name, overlap in OVERLAPS.items()}
    return Metric({}, errors)

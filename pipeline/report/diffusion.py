"""D of a film of Brownian motion: from the lags of the tracks, from the model, and which counts.

Lags of a few frames tell how far a particle gets among its neighbours, which hold it back: no
further than alone, the more so where it is bound to them within a frame. A model that knows the
forces tells what it would do alone.
"""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from pipeline.report.figures.learned import group, scales
from pipeline.report.html import interval, number
from pipeline.report.results import Absent, Results, singular

BOLTZMANN = 1.380649e-23  # J/K


def of_lags(results: Results) -> np.ndarray:
    """(3,) D and its 95 % interval [length^2 / time]."""
    return np.array(results.trajectory().attributes["diffusion"], float)


def of_model(results: Results) -> np.ndarray | None:
    """(3,) the same of the first model, None where it is no model of this film with a band."""
    if results.settings.models_of:
        return None
    with suppress(Absent):
        found, unit = group(results, "bath"), scales(results)
        names = ("diffusion", "low_diffusion", "high_diffusion")
        if int(found.get("brownian")[0]):
            values = np.array([float(found.get(name)[0]) for name in names])
            return values * unit.length**2 / unit.time
    return None


def alone(results: Results) -> np.ndarray:
    """(3,) D of a particle alone: the larger of the two, see above."""
    lags, model = of_lags(results), of_model(results)
    return model if model is not None and model[0] > lags[0] else lags


def coefficient(results: Results) -> str:
    """D of an overdamped film with its interval, and whether lags and model agree, in sentences."""
    lags, model = of_lags(results), of_model(results)
    said = f"A particle alone diffuses with D = {interval(*alone(results))} {_unit(results)}."
    if model is not None and model[0] > lags[2]:
        said += (
            f" That is the model's, which knows what holds a particle back: over a few frames it "
            f"gets as far as D = {interval(*lags)} would take it."
        )
    elif model is not None and model[2] < lags[1]:
        said += (
            f" The model, with D = {interval(*model)}, contradicts it: neighbours can hold a "
            "particle back and not drive it, so that the steps that it learned from are not those "
            "of all particles; see whether tracks break (Tracking quality)."
        )
    return said


def viscosity(results: Results) -> str:
    """Viscosity of the liquid by Stokes and Einstein, where the radius of a particle is given."""
    sample = results.settings.sample
    attributes = results.trajectory().attributes
    units = attributes["length_unit"], attributes["time_unit"]
    if sample.radius is None or units != ("um", "s"):
        return ""
    D, low, high = 1e-12 * alone(results)
    drag = 6 * np.pi * 1e-6 * sample.radius
    kelvin = sample.temperature
    eta, most, least = (1e3 * BOLTZMANN * kelvin / (drag * x) for x in (D, low, high))
    return (
        f" For spheres of radius {number(sample.radius)} µm at {number(kelvin)} K "
        f"the liquid has a viscosity of {number(eta)} ({number(least)} to {number(most)}) mPa s "
        "(Stokes and Einstein; walls nearby make it look larger)."
    )


def _unit(results: Results) -> str:
    return f"{results.unit('length')}²/{singular(results.unit('time'))}"

"""The examples of CONTRIBUTING.md do what the text says."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pipeline.analysis import statistics
from pipeline.analysis.plan import plan
from pipeline.analysis.runs import runs
from pipeline.closures.splines import Scales, radial
from pipeline.dynamics.rollout import rollout
from pipeline.dynamics.steppers import Plain
from pipeline.schema import Refused, commented, read
from pipeline.units import ReducedUnits
from tests.dynamics.systems import CUTOFF, LENGTH, TIME, lattice

PAGE = (Path(__file__).resolve().parents[2] / "CONTRIBUTING.md").read_text()
BLOCKS = re.findall(r"^ *```python\n(.*?)^ *```$", PAGE, re.M | re.S)


def example(holding: str, **names: Any) -> Any:
    """What the block that defines ``holding`` defines."""
    (block,) = (
        textwrap.dedent(b)
        for b in BLOCKS
        if re.search(rf"(class|def) {holding}\b|^ *{holding} =", b, re.M)
    )
    exec(compile(block, f"CONTRIBUTING.md, {holding}", "exec"), names)
    return names[holding]


def free(seed: int = 0) -> Any:
    return example("Free")(temperature=1.3).simulate(seed)


def test_the_setting_says_its_bounds() -> None:
    sharpen = example("Sharpen")
    with pytest.raises(Refused, match=r"width \(pixels\): must be above 0, got -1"):
        sharpen(width=-1)
    with pytest.raises(Refused, match="widht is not a setting: did you mean width"):
        read(sharpen, {"widht": 2})
    assert "\n# Standard deviation of the Gaussian" in commented(sharpen(), "")
    assert read(sharpen, {"width": 2}) == sharpen(width=2.0)


def test_the_kernel_returns_its_derivative() -> None:
    scales = Scales(2, 1.7)
    kernel = example("GaussianVolume")(scales).double()
    r = torch.linspace(0.01, 1.69, 50, dtype=torch.float64, requires_grad=True)
    found = kernel(radial(r, scales.cutoff, scales.intervals))
    (slope,) = torch.autograd.grad(found.w.sum(), r)
    assert torch.allclose(found.dwdr, slope, atol=1e-12)


def test_the_baseline_reaches_its_temperature() -> None:
    model = example("Langevin")(CUTOFF, gamma=0.2, sigma=0.01)
    units = Plain(ReducedUnits(LENGTH, TIME), substeps=2)
    seen = rollout(lattice(120), model, units, 0, progress=False).observables
    expected = 0.01**2 / (2 * 0.2)
    assert seen["temperature"][60:].mean() == pytest.approx(expected, rel=0.15)


def test_the_statistic_of_free_diffusion_decays_exponentially(monkeypatch) -> None:
    data, k, lag = free(), 0.4, np.array([40, 80])
    scattering = example("scattering")
    total, origins = scattering(runs(data), lag, k)
    value = total.sum(axis=0) / origins.sum(axis=0)
    slope = -np.log(value[1] / value[0]) / (lag[1] - lag[0]) / 0.1
    assert slope == pytest.approx(1.3 / 2.0 * k**2, rel=0.1)
    planned = plan(data, 2 * np.pi / k)._replace(lag=lag)
    monkeypatch.setattr(statistics, "REGISTER", (example("SCATTERING"),))
    found = statistics.measure(data, planned)
    assert np.allclose(found["scattering"].data["value"], value)


def test_the_simulation_is_in_equilibrium() -> None:
    data = free()
    assert data.velocity.var() == pytest.approx(1.3, rel=0.05)
    assert set(data.attributes) >= {"dt", "length_unit", "time_unit", "velocity"}
    assert not np.array_equal(data.velocity, free(seed=1).velocity)

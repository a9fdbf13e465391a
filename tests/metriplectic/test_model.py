"""The model as a whole: options, settings, refusals."""

from __future__ import annotations

import pytest
import torch

from pipeline.metriplectic.model import build
from pipeline.metriplectic.presets import PRESETS
from pipeline.pairs import Pairs, State
from tests.metriplectic.cases import (
    crowd,
    geometry,
    random_model,
    random_reference,
    random_state,
)


def test_external_force_accelerates(dimension: int) -> None:
    model = random_model("splines", dimension)
    state, pairs = crowd(geometry("periodic", dimension))
    force = torch.randn_like(state.v)
    x, y = model.dynamics(state, pairs), model.dynamics(state, pairs, force=force)
    assert torch.allclose(y.drift.dv - x.drift.dv, force / model.m, rtol=1e-9, atol=1e-9)
    assert torch.equal(x.drift.dS, y.drift.dS)


def test_settings_rebuild_the_model(kind: str, dimension: int) -> None:
    model = random_model(kind, dimension)
    again = build(model.settings()).double()
    again.load_state_dict(model.state_dict())
    state, pairs = crowd(geometry("periodic", dimension))
    x, y = model.dynamics(state, pairs).drift, again.dynamics(state, pairs).drift
    assert torch.equal(x.dv, y.dv)
    assert torch.equal(x.dS, y.dS)


def test_float32_agrees_with_float64(kind: str, dimension: int) -> None:
    """To the precision with which float32 holds the inputs."""
    model = random_model(kind, dimension)
    state, pairs = crowd(geometry("periodic", dimension))
    keep = pairs.r > 0.2 * model.cutoff  # closer pairs are ill-conditioned in any precision
    geometry_of = [x[keep] for x in (pairs.i, pairs.j, pairs.r, pairs.e)]
    double = Pairs(*geometry_of, None, pairs.n)
    single = Pairs(*geometry_of[:2], *(x.float() for x in geometry_of[2:]), None, pairs.n)
    expected = model.dynamics(state, double).drift
    found = model.float().dynamics(State(*(x.float() for x in state)), single).drift
    for x, y in zip(found, expected, strict=True):
        assert (x - y).abs().max() < 3e-5 * y.abs().max()


@pytest.mark.parametrize(
    "preset", ["splines", "networks", "many_body", "splines_solid", "networks_solid"]
)
def test_every_parameter_learns(preset: str) -> None:
    model = random_model(preset, 2).requires_grad_(True)
    box = geometry("free", 2)
    state, pairs = random_state(box)
    state = state._replace(S=model.entropy(state, pairs))
    d = model.dynamics(state, pairs, random_reference(box))
    loss = sum(x.square().sum() for x in (*d.drift, *model.covariance(d))) + d.thermo.U.sum()
    loss.backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0.0, name


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dimension": 4}, "dimension of a model must be 2 or 3, got 4"),
        ({"cutoff": 0.0}, "cutoff of a model must be positive"),
        ({"closures": "magic"}, "Unknown closures 'magic'"),
        ({"closures": {"volume": {"kind": "cubes"}}}, "Unknown kind of volume 'cubes'"),
        (
            {"closures": {**PRESETS["splines_solid"], "neighbourhood": {"kind": "messages"}}},
            "takes no neighbourhood closure",
        ),
        ({"colour": "red"}, "colour: remove or add keys"),
    ],
)
def test_wrong_settings_are_refused_in_a_sentence(change: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        build({"dimension": 2, "cutoff": 1.0, **change})


def test_a_solid_without_reference_is_refused() -> None:
    model = random_model("splines_solid", 2)
    state, pairs = random_state(geometry("free", 2))
    with pytest.raises(ValueError, match="no reference"):
        model.dynamics(state, pairs)

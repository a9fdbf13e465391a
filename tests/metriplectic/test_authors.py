"""The authors' weights: drift and covariance against the paper's equations by nested autograd."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmarks.nested_autograd import NestedAutograd
from pipeline.metriplectic.model import build
from tests.metriplectic import authors
from tests.metriplectic.cases import CUTOFF, geometry, random_model, random_state


def nested(dimension: int) -> NestedAutograd:
    torch.manual_seed(3)
    model = NestedAutograd(dimension, CUTOFF, width=16).double()
    for parameter in model.parameters():
        parameter.data += 0.2 * torch.randn_like(parameter)
    return model


@pytest.mark.parametrize("dimension", [2, 3])
@pytest.mark.parametrize("space", ["periodic", "lees_edwards"])
def test_converted_weights_give_the_printed_equations(dimension: int, space: str) -> None:
    theirs = nested(dimension)
    model = authors.convert(theirs.state_dict(), CUTOFF)
    state, pairs = random_state(geometry(space, dimension))
    state = state._replace(S=theirs.entropy(state, pairs).detach())
    assert torch.allclose(model.entropy(state, pairs), state.S, rtol=0.0, atol=1e-13)
    rates, covariance = theirs(state, pairs)
    dynamics = model.dynamics(state, pairs)
    ours = (*dynamics.drift, *model.covariance(dynamics))
    for x, y in zip(ours, (*rates, *covariance), strict=True):
        assert (x - y).abs().max() < 1e-11 * y.abs().max()


def solid_names() -> dict[str, torch.Tensor]:
    """A fluid's weights with those of the strain network and of U_dev."""
    weights = dict(nested(2).state_dict())
    model = random_model("paper_solid", 2)
    for theirs, (ours, numbers) in authors.SOLID.items():
        network = model.get_submodule(ours)
        for number, layer in zip(numbers, authors.LAYERS, strict=True):
            for kind in ("weight", "bias"):
                weights[f"{theirs}.layers.{number}.{kind}"] = getattr(getattr(network, layer), kind)
    return weights


def test_a_solid_is_recognised_by_its_strain_network(tmp_path: Path) -> None:
    torch.save(solid_names(), tmp_path / "weights.pt")
    model = authors.read(tmp_path / "weights.pt", CUTOFF)
    expected = random_model("paper_solid", 2).strain
    assert torch.equal(model.strain.strain.hidden.weight, expected.strain.hidden.weight)
    assert build(model.settings()).load_state_dict(model.state_dict())


def test_other_weights_are_refused_by_name() -> None:
    weights = nested(3).state_dict()
    del weights["model_B.layers.2.bias"]
    with pytest.raises(ValueError, match=r"missing \['model_B.layers.2.bias'\]"):
        authors.convert(weights, CUTOFF)

"""Graph network simulators, deterministic and stochastic (paper, F.1 and F.2).

Encode-process-decode of Sanchez-Gonzalez et al., ICML (2020), as the paper uses it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric.nn import MessagePassing

from pipeline.baselines.base import Baseline, DataSummary, Motion
from pipeline.errors import InputError
from pipeline.pairs import Pairs, State


def perceptron(inputs: int, width: int, outputs: int) -> nn.Sequential:
    """Two hidden layers with SiLU (paper, G.2)."""
    return nn.Sequential(
        nn.Linear(inputs, width),
        nn.SiLU(),
        nn.Linear(width, width),
        nn.SiLU(),
        nn.Linear(width, outputs),
    )


class Ends(nn.Module):
    """MLP(z_i, z_j, z_ij) whose first layer is applied to nodes before they go to edges.

    The same function as an MLP on the concatenation, at a third of its cost: there are about ten
    times as many edges as nodes.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.sides = nn.Linear(width, 2 * width, bias=False)
        self.edge = nn.Linear(width, width)
        self.rest = nn.Sequential(
            nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width)
        )

    def forward(self, nodes: Tensor, edges: Tensor, index: Tensor) -> Tensor:
        """(E, width) for nodes (N, width), edges (E, width) and index (2, E), j then i."""
        i, j = self.sides(nodes).chunk(2, dim=1)
        return self.rest(
            self.edge(edges) + i.index_select(0, index[1]) + j.index_select(0, index[0])
        )


class Processor(MessagePassing):
    """z_ij += MLP_m(z_i, z_j, z_ij), then z_i += MLP_v(z_i, mean_j z_ij)."""

    def __init__(self, width: int) -> None:
        super().__init__(aggr="mean")
        self.message_net = Ends(width)
        self.update_net = perceptron(2 * width, width, width)

    def forward(self, nodes: Tensor, edges: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        """New nodes (N, width) and edges (E, width)."""
        edges = edges + self.message_net(nodes, edges, index)
        mean = self.propagate(index, edges=edges, size=(len(nodes), len(nodes)))
        return nodes + self.update_net(torch.cat((nodes, mean), 1)), edges

    def message(self, edges: Tensor) -> Tensor:
        return edges


class GraphNetwork(nn.Module):
    """Velocities and relative positions to one vector per particle, all of order one.

    Translations leave it unchanged since only differences of positions enter, and a permutation
    of the particles permutes its values.
    """

    def __init__(self, dimension: int, width: int, layers: int) -> None:
        super().__init__()
        self.node_encoder = perceptron(dimension, width, width)
        self.edge_encoder = perceptron(dimension + 1, width, width)
        self.processors = nn.ModuleList(Processor(width) for _ in range(layers))
        self.decoder = perceptron(width, width, dimension)

    def forward(self, v: Tensor, pairs: Pairs, h: float) -> Tensor:
        """(N, D) for scaled velocities v (N, D); edge features r_ij / h and |r_ij| / h.

        Evaluated in the precision of its weights: a rollout in float64 balances nothing by it, and
        would take three times as long.
        """
        precision = next(self.parameters()).dtype
        x = (pairs.r / h).to(precision)[:, None]
        forth, distance = pairs.e.to(precision) * x, x.repeat(2, 1)
        features = torch.cat((torch.cat((forth, -forth)), distance), 1)
        index = torch.stack((torch.cat((pairs.j, pairs.i)), torch.cat((pairs.i, pairs.j))))
        nodes, edges = self.node_encoder(v.to(precision)), self.edge_encoder(features)
        for processor in self.processors:
            nodes, edges = processor(nodes, edges, index)
        return self.decoder(nodes).to(v.dtype)


def peculiar(state: State, pairs: Pairs) -> Tensor:
    """Velocities (N, D) relative to the flow of a sheared box, else as they are.

    The network takes velocities one by one, and those of a particle and of its images differ by
    the boost: only what is left after the imposed flow, here with a mean of zero along it, is
    the same for all of them.
    """
    if pairs.rate == 0.0:
        return state.v
    left = state.v[:, 0] - pairs.rate * state.r[:, 1]
    return torch.cat(((left - left.mean())[:, None], state.v[:, 1:]), 1)


class GNS(Baseline):
    """dv_i = GNS(r, v) dt: deterministic, fitted by mean squares (paper, F.1).

    Args:
        dimension: D.
        cutoff: h [a].
        width, layers: of the network.
        velocity, acceleration: measured scales [a / dt], [a / dt^2] that make inputs and outputs
            of order one.
    """

    def __init__(
        self,
        dimension: int,
        cutoff: float,
        width: int,
        layers: int,
        velocity: float,
        acceleration: float,
    ) -> None:
        super().__init__()
        given = {"cutoff": cutoff, "velocity": velocity, "acceleration": acceleration}
        for name, value in {**given, "width": width, "layers": layers}.items():
            if not value > 0:
                raise InputError(
                    f"The {name} of a graph network must be positive, got {value}: measure it on "
                    f"data that moves."
                )
        self.cutoff = float(cutoff)
        self.scales = (float(velocity), float(acceleration))
        self.sizes = (int(dimension), int(width), int(layers))
        self.drift = GraphNetwork(*self.sizes)
        self.register_buffer("m", torch.tensor(1.0))

    @classmethod
    def start(cls, summary: DataSummary) -> dict[str, float]:
        """Sizes of the layers, and the scales of what goes in and comes out."""
        batch, asked = summary.sample(20), summary.settings
        speed = batch.v[batch.mask].square().mean() + 2 * asked.shake**2
        return {
            "dimension": summary.dimension,
            "width": asked.width,
            "layers": asked.layers,
            "velocity": float(speed.sqrt()),
            "acceleration": summary.acceleration,
        }

    def dynamics(self, state: State, pairs: Pairs) -> Motion:
        """The acceleration, and no noise."""
        dv = self.acceleration(state, pairs)
        return Motion(pairs, dv, torch.zeros_like(dv))

    def acceleration(self, state: State, pairs: Pairs) -> Tensor:
        """(N, D) [a / dt^2]."""
        velocity, acceleration = self.scales
        return acceleration * self.drift(peculiar(state, pairs) / velocity, pairs, self.cutoff)

    def fluctuation(self, motion: Motion, increments: Tensor) -> Tensor:
        """Amplitude times increments (N, D): independent for every particle."""
        return motion.amplitude * increments

    def covariance(self, motion: Motion) -> Tensor:
        """A constant, by which the likelihood is the mean squared error in measured units."""
        D = motion.dv.shape[1]
        unit = torch.eye(D, dtype=motion.dv.dtype, device=motion.dv.device)
        return (self.scales[1] ** 2 * unit).expand(len(motion.dv), D, D)


class GNSSDE(GNS):
    """dv_i = GNS_drift(r, v) dt + GNS_diff(r, v) dW_i, by maximum likelihood (paper, F.2).

    The second network gives a standard deviation per component, made positive by softplus; the
    noise of a particle is its own, so that momentum is not kept.
    """

    def __init__(self, *scales: Any, **named: Any) -> None:
        super().__init__(*scales, **named)
        self.diffusion = GraphNetwork(*self.sizes)

    def dynamics(self, state: State, pairs: Pairs) -> Motion:
        """Acceleration and standard deviation of the noise (N, D) per sqrt(dt)."""
        velocity, acceleration = self.scales
        raw = self.diffusion(peculiar(state, pairs) / velocity, pairs, self.cutoff)
        spread = acceleration * nn.functional.softplus(raw)
        return Motion(pairs, self.acceleration(state, pairs), spread)

    def covariance(self, motion: Motion) -> Tensor:
        """Diagonal (N, D, D)."""
        return torch.diag_embed(motion.amplitude.square())

"""Localisation error in the inputs of the likelihood, taken out with the help of its own twin.

Measured positions are y = r + eps with eps white. The residual of one step, linear in eps,

    R(y) = R(r) + J eps,   J eps = eps(t+1) - (2 + J_r + J_v) eps(t) + (1 + J_v) eps(t-1)

(J_r, J_v the derivatives of the drift) is therefore correlated with the positions and velocities
it is regressed on: force and friction come out wrong however many snapshots there are. But the
error has a known size, so one can put a second draw eta of it on top and see what it does:

    E[ R(y) R(y)^T - D D^T ] = R(r) R(r)^T,   D = R(y + eta) - R(y)

The likelihood is a sum of such products, so replacing them makes its gradient unbiased to second
order in eps: the corrected score of Nakamura, Biometrika 77, 127 (1990), by simulation as in the
Monte Carlo corrected scores of Maity and Apanasovich, Electron. J. Stat. 5, 1424 (2011). Imaginary
errors would do as well: the real part of R(y + i eta) R(y + i eta)^T is the same difference.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pipeline.learn.snapshots import Batch
from pipeline.pairs import displaced


def twin(batch: Batch, sigma: float, generator: torch.Generator) -> Batch:
    """The batch with one more localisation error on the snapshots t - 1, t and t + 1.

    Args:
        batch: velocities must be backward differences of the positions.
        sigma: localisation error per component [a], of the mean particle.
        generator: of the errors, on the device of the batch.
    """
    errors = _errors(3, batch, sigma, generator)
    before, now, after = errors if batch.blur is None else errors * batch.blur.sqrt()[:, None]
    return _moved(batch, before, now, after)


class SharedErrors:
    """Localisation errors of snapshots, the same for every batch that looks at them.

    Two successive steps of a particle share two of the three errors in each: so do their echoes.
    """

    def __init__(self) -> None:
        self.drawn: dict[int, tuple[Tensor, Tensor]] = {}  # particles, in order, and errors

    def twin(self, batch: Batch, sigma: float) -> Batch:
        """See `twin`, of a batch of one snapshot."""
        t = int(batch.snapshot[0])
        self.drawn = {s: known for s, known in self.drawn.items() if s >= t - 1}
        size = sigma if batch.blur is None else sigma * batch.blur.sqrt()[:, None]
        return _moved(batch, *(size * self._at(s, batch) for s in (t - 1, t, t + 1)))

    def _at(self, s: int, batch: Batch) -> Tensor:
        """(n, D) of variance 1, of the particles of a batch at snapshot s."""
        like, who = batch.r, batch.particle
        known, errors = self.drawn.get(s, (who[:0], like[:0]))
        new = who[~torch.isin(who, known)]
        number = -1 - 2 * s if len(known) == 0 else -2 - 2 * s
        generator = draws(0, number, like.device)
        shape = (len(new), like.shape[1])
        more = torch.randn(shape, generator=generator, dtype=like.dtype, device=like.device)
        known, order = torch.cat([known, new]).sort()
        errors = torch.cat([errors, more])[order]
        self.drawn[s] = known, errors
        return errors[torch.searchsorted(known, who)]


def with_noise(batch: Batch, sigma: float, generator: torch.Generator, pace: float = 1.0) -> Batch:
    """The batch with noise on the inputs at t - 1 and t of the rows that count, and a way back.

    Noise injection, the opposite of what `twin` is for: an error that the model shall live with.
    Data without noise do not say what brings a particle back that was put aside: it never left
    its path. Without an answer a rollout has none either, and runs away from its first error on
    (Sanchez-Gonzalez et al., ICML (2020), train graph networks so). Asked for is, beside the
    acceleration of the data, the one that takes off an error eps of the position and u of the
    velocity within 1 / pace of a step: -pace^2 eps - pace u. With pace 1 this is the velocity that
    leads to the true next position.

    What the data leave open is how stiff the body is: moved slowly it passes through equilibria,
    the same for any modulus. The pace decides, and the stiffer the less the body lags behind its
    edges, as long as the substeps of the rollout can follow: they need to be twice the pace.

    Args:
        batch: velocities must be backward differences of the positions.
        sigma: error per component [a].
        generator: of the errors, on the device of the batch.
        pace: [1 / dt].
    """
    before, now = _errors(2, batch, sigma, generator) * batch.mask[:, None]
    u = now - before
    # `_moved` takes eps(t) off v', and v gains u.
    return _moved(batch, before, now, now + (1 - pace) * u - pace**2 * now)


def _errors(count: int, batch: Batch, sigma: float, generator: torch.Generator) -> Tensor:
    shape, like = (count, *batch.r.shape), batch.r
    return sigma * torch.randn(shape, generator=generator, dtype=like.dtype, device=like.device)


def _moved(batch: Batch, before: Tensor, now: Tensor, after: Tensor) -> Batch:
    """The batch with its positions at t - 1, t and t + 1 moved by (n, D) each."""
    return batch._replace(
        r=batch.r + now,
        v=batch.v + now - before,
        v_next=batch.v_next + after - now,
        pairs=displaced(batch.pairs, now),
    )


def draws(seed: int, number: int, device: torch.device) -> torch.Generator:
    """Generator of draw ``number``: a resumed training sees what an uninterrupted one would.

    Numbers below zero are those of tests, the same for models of all seeds, which they compare.
    """
    mixed = ((seed if number >= 0 else 0) * 1_000_003 + number) % (2**63 - 1)
    return torch.Generator(device).manual_seed(mixed)


def spread(echo: Tensor, batch: Batch) -> Tensor:
    """Mean square per component of D (n, D) over the rows that count, no gradient: a scalar, or
    (n,) in proportion to the errors of the particles where these differ."""
    whole = echo.detach()[batch.mask].square().mean()
    return whole if batch.blur is None else whole * batch.blur / batch.blur[batch.mask].mean()

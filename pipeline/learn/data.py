"""Batches of snapshots for lightning, in an order that only seed and epoch decide."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import lightning
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from pipeline.learn.settings import Training
from pipeline.learn.snapshots import Batch, Sample, Snapshots
from pipeline.trajectory import evenly


class Transition(NamedTuple):
    """Snapshots t and the snapshots t + 1 that followed them."""

    now: Batch
    after: Batch


class Transitions(Dataset[Transition]):
    """Indexed by a list of snapshots at once: one item is a whole batch."""

    def __init__(self, snapshots: Snapshots) -> None:
        self.snapshots = snapshots

    def __getitem__(self, times: list[int]) -> Transition:
        return Transition(
            self.snapshots.batch(np.array(times)), self.snapshots.after(np.array(times))
        )


class Shuffled(Sampler[list[int]]):
    """``count`` batches of ``batch`` snapshots per epoch, drawn without replacement as long as
    they last. The order depends on seed and epoch alone, so that a resumed run sees what an
    uninterrupted one would have seen."""

    def __init__(self, times: np.ndarray, batch: int, count: int, seed: int) -> None:
        self.times, self.size, self.count, self.seed = times, min(batch, len(times)), count, seed
        self.epoch = 0

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[list[int]]:
        rng = np.random.default_rng([self.seed, self.epoch])
        per_pass = len(self.times) // self.size
        for k in range(self.count):
            if k % per_pass == 0:
                order = rng.permutation(self.times)
            start = (k % per_pass) * self.size
            yield order[start : start + self.size].tolist()


class SnapshotData(lightning.LightningDataModule):
    """Training batches from one block of time and validation batches from a later one."""

    def __init__(self, sample: Sample, validation: np.ndarray, settings: Training) -> None:
        super().__init__()
        self.transitions = Transitions(sample.snapshots)
        self.sampler = Shuffled(
            sample.times, settings.batch, settings.validate_every, settings.seed
        )
        spread = evenly(validation, settings.validation_snapshots)
        size = settings.batch
        self.later = [spread[k : k + size].tolist() for k in range(0, len(spread), size)]

    def train_dataloader(self) -> DataLoader:
        # Lightning reloads the loader every epoch, which is how the sampler learns its number.
        self.sampler.epoch = self.trainer.current_epoch if self.trainer else 0
        return DataLoader(self.transitions, sampler=self.sampler, batch_size=None)

    def val_dataloader(self) -> DataLoader:
        return DataLoader(self.transitions, sampler=self.later, batch_size=None)

    def transfer_batch_to_device(
        self, batch: Transition, device: torch.device, dataloader_idx: int
    ) -> Transition:
        # Snapshots already holds its tensors on the device.
        return batch

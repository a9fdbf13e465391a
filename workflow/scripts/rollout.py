"""Rolls a trained model out over the evaluation window, driven particles following the data."""

from pipeline import process

process.prepare(snakemake.log[0], snakemake.threads)

from pathlib import Path

import torch

from pipeline import h5md
from pipeline.dynamics.rollout import rollout, write
from pipeline.learn.trained_model import load
from pipeline.settings import sections
from pipeline.split import evaluation

torch.set_num_threads(snakemake.threads)
chosen = sections(snakemake.params.settings)
# Particles drawn anew and noise differ between the rollouts of one training.
seed = int(snakemake.wildcards.seed) + 1000 * int(snakemake.wildcards.get("again", 0))
data = h5md.opened(snakemake.input.trajectory, snakemake.wildcards.name)
window, before = evaluation(data, chosen.split, chosen.rollout.frames)
learned = load(Path(snakemake.input.model).parent)
conditions = learned.conditions(window, seed, chosen.rollout.substeps, before)
result = rollout(window, learned.model, conditions, seed)
write(snakemake.output.rollout, result, conditions.units._asdict())

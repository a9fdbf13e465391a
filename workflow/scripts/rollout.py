"""Rolls a trained model out over the evaluation window, driven particles following the data."""

from pipeline import process

process.prepare(snakemake.log[0], snakemake.threads)

import torch

from pipeline import graphs, h5md
from pipeline.dynamics.rollout import rollout, write
from pipeline.learn.trained_model import Learned, placed
from pipeline.settings import sections
from pipeline.split import evaluation

torch.set_num_threads(snakemake.threads)
chosen = sections(snakemake.params.settings)
# Particles drawn anew and noise differ between the rollouts of one training.
seed = int(snakemake.wildcards.seed) + 1000 * int(snakemake.wildcards.get("again", 0))
name = snakemake.wildcards.name
data = h5md.on_disk(snakemake.input.trajectory, dataset=name, source="trajectory")
window, before = evaluation(data, chosen.split, chosen.rollout.frames)
learned = placed(snakemake.input.model)
if chosen.rollout.reduced and isinstance(learned, Learned):
    near = graphs.on_disk(snakemake.input.graphs, data)
    learned = learned.reduced(near.neighbour_distance, before)
conditions = learned.conditions(window, seed, chosen.rollout.substeps, before)
result = rollout(window, learned.model, conditions, seed)
again = snakemake.wildcards.get("again")
source = f"{snakemake.wildcards.model}_seed{snakemake.wildcards.seed}"
source += f"_rollout{again}" if again else ""
write(snakemake.output.rollout, result, conditions.units._asdict(), source)

"""Rolls a trained model out in LAMMPS over the evaluation window, driven particles following."""

from pipeline import process

process.prepare(snakemake.log[0], 1)

from pathlib import Path

from pipeline import h5md
from pipeline.dynamics.rollout import write
from pipeline.lammps import case
from pipeline.learn.trained_model import placed
from pipeline.settings import sections
from pipeline.split import evaluation

chosen = sections(snakemake.params.settings)
name = snakemake.wildcards.name
data = h5md.on_disk(snakemake.input.trajectory, dataset=name, source="trajectory")
window, before = evaluation(data, chosen.split, chosen.rollout.frames)
learned = placed(snakemake.input.model)
begun = case.begin(window, learned, case.SEED, chosen.rollout.substeps, before)
folder = Path(snakemake.output.rollout).parent
case.write(folder, begun, case.whole_window(begun, f"./{Path(snakemake.input.plugin).name}"))
made = case.rollout(begun, folder, case.INPUT, chosen.lammps.ranks)
write(snakemake.output.rollout, made, begun.walk.conditions.units._asdict(), "lammps")

"""Runs a trained model of a monolayer at a size that no video has, and measures what it did."""

from pipeline import process

process.prepare(snakemake.log[0], 1)

from pathlib import Path

from pipeline import h5md
from pipeline.analysis import statistics
from pipeline.dynamics.rollout import write
from pipeline.files import whole
from pipeline.lammps import scaled
from pipeline.learn.trained_model import placed
from pipeline.settings import sections

chosen = sections(snakemake.params.settings)
name = snakemake.wildcards.name
data = h5md.read(snakemake.input.trajectory, dataset=name, source="trajectory")
learned = placed(snakemake.input.model)
units = learned.record["units"]
world = scaled.Surroundings.of(data, learned, chosen.rollout.substeps, chosen.lammps.ranks)
folder = Path(snakemake.output.rollout).parent
plugin = f"../{Path(snakemake.input.plugin).name}"
layers = scaled.run_scaled(folder, plugin, learned, chosen.lammps.scaled, world)
made = scaled.collect(folder, layers, learned, world.dt, data)
write(snakemake.output.rollout, made, {k: units[k] for k in ("length", "time")}, "lammps_scaled")
with whole(snakemake.output.audit) as partial:
    scaled.audit(made, snakemake.output.totals).to_csv(partial, index=False)
found = scaled.measured(made, units["length"], chosen.statistics)
statistics.write(snakemake.output.statistics, *found)

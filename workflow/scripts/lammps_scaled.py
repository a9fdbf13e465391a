"""Runs a trained model of a monolayer at a size that no video has, and measures what it did."""

from pipeline import process

process.prepare(snakemake.log[0], 1)

from pathlib import Path

from pipeline import h5md
from pipeline.analysis import statistics
from pipeline.analysis.plan import plan
from pipeline.analysis.settings import Statistics
from pipeline.dynamics.rollout import write
from pipeline.files import whole
from pipeline.lammps import scaled
from pipeline.learn.trained_model import load
from pipeline.settings import sections

chosen = sections(snakemake.params.settings)
data = h5md.read(snakemake.input.trajectory)
learned = load(Path(snakemake.input.model).parent)
a = learned.record["units"]["length"]
world = scaled.Surroundings(
    data.number_density() * a**2,
    data.dt / learned.record["units"]["time"] / chosen.rollout.substeps,
    chosen.lammps.ranks,
)
folder = Path(snakemake.output.rollout).parent
plugin = f"../{Path(snakemake.input.plugin).name}"
layers = scaled.run_scaled(folder, plugin, learned, chosen.lammps.scaled, world)
made = scaled.collect(folder, layers, learned, world.dt, data)
write(snakemake.output.rollout, made, {k: learned.record["units"][k] for k in ("length", "time")})
with whole(snakemake.output.audit) as partial:
    scaled.audit(made, snakemake.output.totals).to_csv(partial, index=False)
# From one turning point of the needle to the other.
part = made.trajectory.window(slice(1, None))
wanted = Statistics(
    d2min_cutoff=chosen.statistics.d2min_cutoff,
    d2min_threshold=chosen.statistics.d2min_threshold,
    lag=2,
)
settings = plan(part, a, wanted)
found = statistics.measure(part, settings, part.free.all(axis=0))
note = statistics.attributes(part, settings) | {"source": "lammps_scaled", "stopped": ""}
statistics.write(snakemake.output.statistics, found, note)
for left in ("soft.lammps", "soft.log", "soft.dump", "relax.data", "relax.bin", "rollout.bin"):
    (folder / left).unlink()

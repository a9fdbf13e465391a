"""Sets single steps and the path of LAMMPS beside Python's."""

import console

console.prepare(snakemake.log[0], 1)

from pathlib import Path

from pipeline import h5md, trajectory
from pipeline.files import whole
from pipeline.lammps import case, parity
from pipeline.learn.trained_model import load

chosen = snakemake.params.settings
data = h5md.read(snakemake.input.trajectory)
window = trajectory.window(data, chosen["split"], chosen["rollout"]["frames"])
table = parity.compare(
    window,
    load(Path(snakemake.input.model).parent),
    h5md.read(snakemake.input.rollout),
    snakemake.input.plugin,
    {"seed": case.SEED, "substeps": chosen["rollout"]["substeps"], **chosen["lammps"]},
)
with whole(snakemake.output.parity) as partial:
    table.to_csv(partial, index=False)

"""Sets single steps and the path of LAMMPS beside Python's."""

from pipeline import process

process.prepare(snakemake.log[0], 1)

from pathlib import Path

from pipeline import h5md
from pipeline.files import whole
from pipeline.lammps import parity
from pipeline.learn.trained_model import load
from pipeline.settings import sections
from pipeline.split import evaluation

chosen = sections(snakemake.params.settings)
data = h5md.opened(snakemake.input.trajectory, snakemake.wildcards.name)
window, before = evaluation(data, chosen.split, chosen.rollout.frames)
table = parity.compare(
    window,
    load(Path(snakemake.input.model).parent),
    h5md.read(snakemake.input.rollout, snakemake.wildcards.name),
    snakemake.input.plugin,
    chosen.lammps,
    chosen.rollout.substeps,
    before=before,
)
with whole(snakemake.output.parity) as partial:
    table.to_csv(partial, index=False)

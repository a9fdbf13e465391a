"""Sets single steps and the path of LAMMPS beside Python's."""

from pipeline import process

process.prepare(snakemake.log[0], 1)

from pipeline import h5md
from pipeline.files import whole
from pipeline.lammps import parity
from pipeline.learn.trained_model import placed
from pipeline.settings import sections
from pipeline.split import evaluation

chosen = sections(snakemake.params.settings)
name = snakemake.wildcards.name
data = h5md.on_disk(snakemake.input.trajectory, dataset=name, source="trajectory")
window, before = evaluation(data, chosen.split, chosen.rollout.frames)
table = parity.compare(
    window,
    placed(snakemake.input.model),
    h5md.read(snakemake.input.rollout, dataset=name, source="lammps"),
    snakemake.input.plugin,
    chosen.lammps,
    chosen.rollout.substeps,
    before=before,
)
with whole(snakemake.output.parity) as partial:
    table.to_csv(partial, index=False)

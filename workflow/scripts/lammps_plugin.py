"""Compiles the LAMMPS plugin for this machine, unless that was done before."""

from pipeline import process

process.prepare(snakemake.log[0], snakemake.threads)

import shutil

from pipeline.files import whole
from pipeline.lammps.build import build

made = build(snakemake.params.cache)
with whole(snakemake.output.plugin) as partial:
    shutil.copy(made, partial)

"""Compiles the LAMMPS plugin for this machine, unless that was done before."""

from pipeline import process

process.prepare(snakemake.log[0], snakemake.threads)

import shutil

from pipeline import compiler
from pipeline.files import whole
from pipeline.lammps.build import build

try:
    made = build(compiler.cache())
except OSError:  # a home that cannot be written to, or has no locks
    made = build(snakemake.params.cache)
with whole(snakemake.output.plugin) as partial:
    shutil.copy(made, partial)

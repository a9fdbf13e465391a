"""Simulates one replica of a system whose law is known; goes on where it was interrupted."""

from pipeline import process

process.prepare(snakemake.log[0], snakemake.threads)

import shutil
from pathlib import Path

from pipeline import h5md
from pipeline.settings import sections
from pipeline.simulate.systems import simulate

chosen = sections(snakemake.params.settings).simulate
path, replica = Path(snakemake.output.trajectory), snakemake.wildcards.replica
unfinished = path.parent / f"unfinished{replica}"
made = simulate(chosen, snakemake.wildcards.name, int(replica), unfinished)
h5md.write(path, made)
shutil.rmtree(unfinished, ignore_errors=True)

"""Simulates one replica of a system whose law is known, as a trajectory."""

from pipeline import process

process.prepare(snakemake.log[0], snakemake.threads)

from pipeline import h5md
from pipeline.settings import sections
from pipeline.simulate.systems import simulate

chosen = sections(snakemake.params.settings).simulate
made = simulate(chosen, snakemake.wildcards.name, int(snakemake.wildcards.replica))
h5md.write(snakemake.output.trajectory, made)

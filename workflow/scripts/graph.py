"""Neighbour graphs of every snapshot."""

from pipeline import process

process.prepare(snakemake.log[0], snakemake.threads)

from pipeline import graphs, h5md
from pipeline.settings import sections

cutoff = sections(snakemake.params.settings).graph.cutoff
data = h5md.opened(snakemake.input.trajectory, snakemake.wildcards.name)
graphs.build_file(snakemake.output.graphs, data, cutoff)

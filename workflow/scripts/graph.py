"""Neighbour graphs of every snapshot."""

from pipeline import process

process.prepare(snakemake.log[0], snakemake.threads)

from pipeline import graphs, h5md
from pipeline.settings import sections

cutoff = sections(snakemake.params.settings).graph.cutoff
name = snakemake.wildcards.name
data = h5md.on_disk(snakemake.input.trajectory, dataset=name, source="trajectory")
graphs.build_file(snakemake.output.graphs, data, cutoff)

"""Friction of the medium that a film shows, once for all that read it."""

from pipeline import process

process.prepare(snakemake.log[0], snakemake.threads)

from pipeline import graphs, h5md
from pipeline.analysis import drag
from pipeline.settings import sections
from pipeline.split import blocks

split, name = sections(snakemake.params.settings).split, snakemake.wildcards.name
data = h5md.on_disk(snakemake.input.trajectory, dataset=name, source="trajectory")
near = graphs.on_disk(snakemake.input.graphs, data)
train = blocks(data, *split.of(data))["train"]
found = drag.of_film(data, train, near.neighbour_distance, near.cutoff)
drag.write(snakemake.output.drag, name, found)

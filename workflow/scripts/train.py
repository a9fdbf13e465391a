"""Trains one model with one seed; goes on where an interrupted run stopped."""

from pipeline import process

process.prepare(snakemake.log[0], snakemake.threads)

from pathlib import Path

from pipeline import graphs, h5md
from pipeline.analysis import drag
from pipeline.learn.settings import variant
from pipeline.learn.train import train
from pipeline.settings import sections

given = sections(snakemake.params.settings)
name = snakemake.wildcards.name
data = h5md.on_disk(snakemake.input.trajectory, dataset=name, source="trajectory")
train(
    data,
    graphs.on_disk(snakemake.input.graphs, data),
    variant(snakemake.wildcards.model, given.train.replace(split=given.split)),
    Path(snakemake.output.model).parent,
    seed=int(snakemake.wildcards.seed),
    threads=snakemake.threads,
    drag=drag.read(known, name) if (known := snakemake.input.get("drag")) else None,
)

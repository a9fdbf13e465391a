"""Trains one model with one seed; goes on where an interrupted run stopped."""

import console

console.prepare(snakemake.log[0], snakemake.threads)

from pathlib import Path

from pipeline import graphs, h5md
from pipeline.learn.settings import variant
from pipeline.learn.train import train

chosen = snakemake.params.settings
train(
    h5md.read(snakemake.input.trajectory),
    graphs.read(snakemake.input.graphs),
    {**chosen["train"], **chosen["split"], **variant(snakemake.wildcards.model)},
    Path(snakemake.output.model).parent,
    seed=int(snakemake.wildcards.seed),
    threads=snakemake.threads,
)

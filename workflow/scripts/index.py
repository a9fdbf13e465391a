"""The list of all reports."""

from pipeline import process

process.prepare(snakemake.log[0], snakemake.threads)

from pipeline.report import index

index.write(snakemake.output.index, snakemake.input)

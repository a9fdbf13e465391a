"""The list of all reports."""

import console

console.prepare(snakemake.log[0], snakemake.threads)

from pipeline.report import index

index.write(snakemake.output.index, snakemake.input)

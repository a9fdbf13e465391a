"""Rolls a trained model out over the evaluation window, driven particles following the data."""

from pipeline import console

console.prepare(snakemake.log[0], snakemake.threads)

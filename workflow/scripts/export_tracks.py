"""Tracks in columns that trackpy, TrackMate and napari read."""

from pipeline import process

process.prepare(snakemake.log[0], snakemake.threads)

from pipeline import tables

tables.write_csv(snakemake.output.table, tables.read_blocks(snakemake.input.tracks, tables.TRACKS))

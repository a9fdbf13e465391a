"""Tracks, true positions, a simulation or imported files to what everything later reads."""

from pipeline import process

process.prepare(snakemake.log[0], snakemake.threads)

import os
from pathlib import Path

from pipeline import h5md, tables
from pipeline.files import data_files, read_json, unchanged
from pipeline.imported import assembly as imported
from pipeline.imported import sources, tracks
from pipeline.settings import sections
from pipeline.units import Scale
from pipeline.video import assembly, survey_file
from pipeline.video.parameters import checksums

OURS = "a file of this workflow"
given, asked = snakemake.input, sections(snakemake.params.settings)
name, written = snakemake.wildcards.name, snakemake.output.trajectory
band = (asked.graph.cutoff, asked.trajectory.edge_band, asked.trajectory.edge)
if given.get("simulated"):
    os.link(given.simulated, written)
elif given.get("recorded"):
    with unchanged(given.recorded, snakemake.params.content) as inputs:
        files = sources.recorded(data_files(given.recorded))
        made = imported.load(files, asked.imported, band, name)
        h5md.write(written, made.noting(inputs=inputs, source="trajectory"))
else:
    ticks = survey_file.ticks(given.survey) if given.get("survey") else None
    if given.get("table"):
        table = tables.read(given.table, tables.PLACED)
        tuning = read_json(given.tuning, OURS, "view", "scale", "tables")
        made = tracks.trajectory(table, tuning, band, name, ticks)
    elif given.get("truth"):
        view = assembly.view(given.frames, given.tuning, band)
        scale = Scale(asked.video.mpp, asked.video.fps)
        made = assembly.from_truth(h5md.read(given.truth, source="truth"), view, scale, name)
    else:
        seen = read_json(given.summary, OURS, "runs", "fps")
        moved = assembly.moved(seen, read_json(given.linking, OURS, "moved"))
        view = assembly.view(given.frames, given.tuning, band, moved)
        scale = Scale(asked.video.mpp, seen["fps"])
        note = {"dataset": name, "synthetic": snakemake.params.synthetic}
        # Not by a name here, which would keep it: it is as large as all that is made of it.
        tracked = (given.tracks, tables.PLACED)
        made = assembly.assemble(tables.read(*tracked), view, scale, note, ticks)
    known = {"inputs": checksums(given.tuning), "source": Path(written).stem}
    h5md.write(written, made.noting(**known))

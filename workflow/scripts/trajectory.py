"""Tracks, true positions, a simulation or imported files to what everything later reads."""

from pipeline import process

process.prepare(snakemake.log[0], snakemake.threads)

import os
from pathlib import Path

from pipeline import h5md, tables
from pipeline.files import data_files, read_json, unchanged
from pipeline.imported import tracks
from pipeline.imported.assembly import load
from pipeline.imported.sources import recorded as trajectories
from pipeline.settings import sections
from pipeline.units import Scale
from pipeline.video import assembly, survey_file
from pipeline.video.frames import example_shape
from pipeline.video.parameters import checksums, parameters

OURS = "a file of this workflow"
given, settings = snakemake.input, snakemake.params.settings
asked, name, written = sections(settings), snakemake.wildcards.name, snakemake.output.trajectory
edge = asked.trajectory
band = (asked.graph.cutoff, edge.edge_band, edge.edge)
ticks = survey_file.ticks(given.survey) if given.get("survey") else None
if given.get("simulated"):
    os.link(given.simulated, written)
elif given.get("recorded"):
    # Their particles never change in number, which tells nothing of the faces.
    width = (asked.graph.cutoff, edge.edge_band if edge.edge != "closed" else 0.0)
    with unchanged(given.recorded, snakemake.params.content) as inputs:
        made = load(trajectories(data_files(given.recorded)), asked.imported, width, name)
        h5md.write(written, made.noting(inputs=inputs, source="trajectory"))
else:
    if given.get("table"):
        table = tables.read(given.table, tables.PLACED)
        tuning = read_json(given.tuning, OURS, "view", "scale", "tables")
        made = tracks.trajectory(table, tuning, band, name, ticks)
    else:
        margin = (parameters(given.tuning).diameter + 1) / 2
        view = assembly.View(example_shape(given.frames), margin, *band)
        if given.get("truth"):
            scale = Scale(asked.video.mpp, asked.video.fps)
            made = assembly.from_truth(h5md.read(given.truth, source="truth"), view, scale, name)
        else:
            seen = read_json(given.summary, OURS, "runs", "fps")
            linking = read_json(given.linking, OURS, "moved")
            view = view._replace(moved=assembly.moved(seen, linking))
            note = {"dataset": name, "synthetic": snakemake.params.synthetic}
            scale = Scale(asked.video.mpp, seen["fps"])
            # Not by a name here, which would keep it: it is as large as all that is made of it.
            tracked = (given.tracks, tables.PLACED)
            made = assembly.assemble(tables.read(*tracked), view, scale, note, ticks)
    known = {"inputs": checksums(given.tuning), "source": Path(written).stem}
    h5md.write(written, made.noting(**known))

"""Tables of tracks that people already have, in place of detection and linking."""

from pipeline import process

process.prepare(snakemake.log[0], snakemake.threads)

import sys
from pathlib import Path

from pipeline import tables
from pipeline.files import read_json, unchanged, write_json
from pipeline.imported.track_files import read
from pipeline.imported.tracks import convert, film_of
from pipeline.settings import sections
from pipeline.video import survey_file

chosen, folder = sections(snakemake.params.settings), snakemake.input.tables
with unchanged(folder, snakemake.params.content) as inputs:
    paths = map(Path, snakemake.params.paths)
    raws = [read(path, chosen.tracks.columns, chosen.tracks.length_unit) for path in paths]
    film = None
    if kept := snakemake.input.get("survey"):
        [path] = snakemake.input.summary
        fps = read_json(path, "the summary of a survey", "fps")["fps"]
        film = film_of(survey_file.read(kept[0], folder, chosen.video), fps)
    found = convert(raws, chosen, film)
for sentence in found.tuning["warnings"]:
    print(sentence, file=sys.stderr)
tables.write(snakemake.output.tracks, found.tracks, tables.TRACKS)
write_json(snakemake.output.summary, found.linking)
write_json(snakemake.output.tuning, {**found.tuning, "inputs": inputs})

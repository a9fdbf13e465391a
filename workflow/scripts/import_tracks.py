"""Tables of tracks that people already have, in place of detection and linking."""

from pipeline import process

process.prepare(snakemake.log[0], snakemake.threads)

import json
import sys
from pathlib import Path

from pipeline import tables
from pipeline.files import reading, unchanged, write_json
from pipeline.imported.track_files import read
from pipeline.imported.tracks import convert, film_of
from pipeline.settings import sections
from pipeline.video import survey

settings = snakemake.params.settings
asked, folder = settings["tracks"], snakemake.input.tables
with unchanged(folder, snakemake.params.content) as inputs:
    paths = map(Path, snakemake.params.paths)
    raws = [read(path, asked["columns"], asked["length_unit"]) for path in paths]
    film = None
    if kept := snakemake.input.get("survey"):
        [path] = snakemake.input.summary
        with reading(path, "the summary of a survey"):
            fps = json.loads(Path(path).read_text())["fps"]
        film = film_of(survey.read(kept[0], folder, sections(settings).video), fps)
    found = convert(raws, settings, film)
for sentence in found.tuning["warnings"]:
    print(sentence, file=sys.stderr)
tables.write(snakemake.output.tracks, found.tracks, tables.TRACKS)
write_json(snakemake.output.summary, found.linking)
write_json(snakemake.output.tuning, {**found.tuning, "inputs": inputs})

"""Features joined into tracks."""

from pipeline import process

process.prepare(snakemake.log[0], snakemake.threads)

from pipeline.files import write_json
from pipeline.settings import sections
from pipeline.video import survey_file
from pipeline.video.link import link_file
from pipeline.video.parameters import parameters

drift = sections(snakemake.params.settings).link.drift == "mean"
settings = parameters(snakemake.input.tuning).linking(drift)
seen = survey_file.ticks(snakemake.input.survey)
summary = link_file(snakemake.input.features, snakemake.output.tracks, settings, seen)
write_json(snakemake.output.summary, summary)

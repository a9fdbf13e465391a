"""One look through every film: frames that show nothing, cuts, the clock, the index of films."""

from pipeline import process

process.prepare(snakemake.log[0], snakemake.threads)

from pipeline.files import unchanged
from pipeline.settings import sections
from pipeline.video import survey, survey_file

with unchanged(snakemake.input.video, snakemake.params.content):
    found = survey.survey(snakemake.input.video, sections(snakemake.params.settings).video)
survey_file.write(snakemake.output.survey, snakemake.output.summary, found)

"""The page of the open questions of the paper."""

from pipeline import process

process.prepare(snakemake.log[0], snakemake.threads)

from pathlib import Path

from pipeline.report import index, page, provenance
from pipeline.report.questions.asked import Asked
from pipeline.report.questions.page import content
from pipeline.schema import read
from pipeline.settings import Settings

written = Path(snakemake.output.report)
settings = {name: read(Settings, each) for name, each in snakemake.params.settings.items()}
questions = read(Settings, snakemake.params.own).questions
asked = Asked(written.parent.parent, settings, questions)
facts = provenance.collect(
    {},
    repository=Path(snakemake.scriptdir).parents[1],
    command=index.command(written),
    stages={},
)
page.publish(written, content(asked, facts), facts)

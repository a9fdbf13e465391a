# From microscopy video to a physical model: snakemake --cores 8 results/<name>/report.html

include: "workflow/rules/common.smk"
include: "workflow/rules/simulate.smk"
include: "workflow/rules/tracking.smk"
include: "workflow/rules/trajectory.smk"
include: "workflow/rules/learning.smk"
include: "workflow/rules/analysis.smk"
include: "workflow/rules/paper.smk"


rule all:
    default_target: True
    input:
        "results/colloids/report.html",

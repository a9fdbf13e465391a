# From microscopy video to a physical model: snakemake --cores 8 results/<name>/report.html

# `snakemake --lint` finds two things, both on purpose:
# - no conda environment or container per rule: all stages share the package's own environment
#   (pyproject.toml, made by ./setup); they are calls of one library and read each other's files;
# - functions beside rules: those of one file stand above the rules that use them, those of several
#   in workflow/rules/common.smk.

include: "workflow/rules/common.smk"
include: "workflow/rules/simulate.smk"
include: "workflow/rules/tracking.smk"
include: "workflow/rules/tracks.smk"
include: "workflow/rules/trajectory.smk"
include: "workflow/rules/learning.smk"
include: "workflow/rules/lammps.smk"
include: "workflow/rules/analysis.smk"
include: "workflow/rules/paper.smk"
include: "workflow/rules/questions.smk"
include: "workflow/rules/index.smk"
include: "workflow/rules/unknown.smk"


report: "workflow/report/workflow.rst"


rule all:
    default_target: True
    input:
        "results/colloids/report.html",

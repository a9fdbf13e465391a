# Every data set and model of the paper on one page, our numbers beside its own.


def origins(wildcards):
    """Data sets on the page -> those whose models they are rolled out with."""
    return {name: models_of(name) for name in settings("paper")["paper"]["datasets"]}


def each(pattern):
    """An input function: this file of every data set on the page."""
    return lambda wildcards: [pattern.format(name=name) for name in origins(wildcards)]


rule paper_table:
    input:
        comparisons=each("results/{name}/comparison.csv"),
        trajectories=each("results/{name}/trajectory.h5"),
    output:
        table="results/paper/table.csv",
    params:
        origins=origins,
        sizes=lambda wildcards: {name: settings(name)["size"] for name in origins(wildcards)},
    log:
        "results/paper/logs/table.log",
    script:
        "../scripts/paper_table.py"


rule paper:
    input:
        table="results/paper/table.csv",
    output:
        report="results/paper/report.html",
    params:
        settings=lambda wildcards: {
            name: settings(name) for name in settings("paper")["paper"]["datasets"]
        },
    log:
        "results/paper/logs/report.log",
    script:
        "../scripts/paper.py"

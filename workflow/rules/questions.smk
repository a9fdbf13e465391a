# The open questions of the paper on one page: what several trainings of several data sets say.


def asked_of():
    """The data sets that any question is asked of."""
    return list(dict.fromkeys(sum(map(list, settings("questions")["questions"].values()), [])))


def compared(wildcards):
    """Errors of every data set: behind them stand its trainings, rollouts and statistics."""
    return [f"results/{name}/comparison.csv" for name in asked_of()]


rule questions:
    input:
        compared,
    output:
        report="results/questions/report.html",
    params:
        settings=lambda wildcards: {name: settings(name) for name in asked_of()},
        own=lambda wildcards: settings("questions"),
    log:
        "results/questions/logs/report.log",
    script:
        "../scripts/questions.py"

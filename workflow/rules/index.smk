# The list of all reports. It is also brought up to date at the end of every run: see list_reports.


rule index:
    input:
        lambda wildcards: report_records(),
    output:
        index="results/index.html",
    log:
        "results/logs/index.log",
    localrule: True
    script:
        "../scripts/index.py"

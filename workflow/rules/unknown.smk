# What no rule makes: asked for by mistake, and answered with what was probably meant. Included last,
# since the names that it does not take are those of all rules before it.


rule unknown:
    input:
        lambda wildcards: refuse(
            targets.sentence(
                wildcards.asked, targets.patterns(workflow.rules), datasets.known(), settings
            )
        ),
    output:
        "{asked}",
    wildcard_constraints:
        asked=targets.others(workflow.rules, str(settings_file.HOME)),
    log:
        "results/logs/{asked}.log",
    localrule: True
    shell:
        "false"

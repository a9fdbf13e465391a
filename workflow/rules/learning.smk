# Training, once per model and seed, and the rollout of what was learned.


# The checkpoints beside the model are no output: snakemake would delete them when a job is
# interrupted, and training goes on from them.
rule train:
    input:
        trajectory="results/{name}/trajectory.h5",
        graphs="results/{name}/graphs.h5",
    output:
        model="results/{name}/{model}/seed{seed}/model.safetensors",
        record="results/{name}/{model}/seed{seed}/model.yaml",
        history="results/{name}/{model}/seed{seed}/training.csv",
        learned="results/{name}/{model}/seed{seed}/learned.h5",
    params:
        settings=section("train", "split"),
    log:
        "results/{name}/logs/train_{model}_seed{seed}.log",
    benchmark:
        "results/{name}/benchmarks/train_{model}_seed{seed}.tsv"
    threads: 1
    script:
        "../scripts/train.py"


rule rollout:
    input:
        trajectory="results/{name}/trajectory.h5",
        graphs="results/{name}/graphs.h5",
        model="results/{name}/{model}/seed{seed}/model.safetensors",
        record="results/{name}/{model}/seed{seed}/model.yaml",
    output:
        rollout="results/{name}/{model}/seed{seed}/rollout.h5",
    params:
        settings=section("rollout", "split"),
    log:
        "results/{name}/logs/rollout_{model}_seed{seed}.log",
    benchmark:
        "results/{name}/benchmarks/rollout_{model}_seed{seed}.tsv"
    threads: 1
    script:
        "../scripts/rollout.py"

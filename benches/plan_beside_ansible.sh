#!/bin/sh
# How long a reader of a dry run waits: `cutover plan` of the shipped playbook, cold, beside `ansible-playbook --check
# --diff` of ten tasks on localhost. Ansible is installed into target/bench from the package index that pip is set up for.
set -eu
cd -- "$(dirname -- "$0")/.."
venv=target/bench/ansible
mkdir -p target/bench
if [ ! -x $venv/bin/ansible-playbook ]; then
    python3 -m venv $venv
    $venv/bin/pip install --quiet --disable-pip-version-check 'ansible-core>=2.15,<3'
fi
hyperfine --warmup 2 --min-runs 5 --shell=none --export-json target/bench/plan.json \
    --command-name 'cutover plan' \
    'target/release/cutover plan playbooks/replication_swap.yaml -i tests/plan/inventory.yaml' \
    --command-name 'ansible-playbook --check --diff' \
    "$venv/bin/ansible-playbook -i localhost, --check --diff benches/ten_tasks.yaml"
python3 - <<'END'
import json
ours, theirs = (result["median"] for result in json.load(open("target/bench/plan.json"))["results"])
print(f"cutover plan {ours * 1000:.1f} ms, ansible --check {theirs * 1000:.0f} ms: {theirs / ours:.0f} times as long")
END

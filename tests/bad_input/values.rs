//! Values of the wrong type or out of bounds, and several faults in one report.

use crate::check::{all_refused, playbook};

#[test]
fn wrong_types() {
    all_refused(&[
        ("steps-is-text", "version: 1\nname: trial\nsteps: none\n", &["none"]),
        ("step-is-text", &playbook("  - go\n"), &["go"]),
        ("needs-is-text", &playbook("  - { id: go, needs: other, uses: approve }\n"), &["other"]),
        ("with-is-a-list", &playbook("  - { id: go, uses: approve, with: [a] }\n"), &["[a]"]),
        ("run-is-text", &playbook("  - { id: hi, uses: command, with: { host: new, run: echo hi } }\n"), &["echo hi"]),
        ("run-is-empty", &playbook("  - { id: hi, uses: command, with: { host: new, run: [] } }\n"), &["[]"]),
        ("version-2", "version: 2\nname: trial\nsteps:\n  - { id: go, uses: approve }\n", &["2"]),
        ("id-is-a-number", &playbook("  - { id: 7, uses: approve }\n"), &["7"]),
        ("missing-parameter", &playbook("  - { id: hi, uses: command, with: { host: new } }\n"), &["{ host: new }"]),
        (
            "number-too-large",
            &playbook(
                "  - { id: b, uses: render, with: { template: my.cnf.j2, server: target, profile: import, restart: 3.5 } }\n",
            ),
            &["3.5"],
        ),
        ("missing-with", &playbook("  - { id: hi, uses: command }\n"), &["hi", "hi"]),
        (
            "yes-is-text",
            &playbook("  - { id: c, uses: render, with: { template: my.cnf.j2, server: target, restart: yes } }\n"),
            &["yes"],
        ),
        (
            "unknown-profile",
            &playbook("  - { id: c, uses: render, with: { template: my.cnf.j2, server: target, profile: imprt } }\n"),
            &["imprt"],
        ),
        ("unknown-on-failure", &playbook("  - { id: go, uses: approve, on_failure: ignore }\n"), &["ignore"]),
    ]);
}

#[test]
fn amounts_and_addresses() {
    let tunnel = |listen: &str| {
        playbook(&format!(
            "  - {{ id: t, uses: tunnel, with: {{ from: new, listen: {listen}, to: old, forward: '127.0.0.1:3306' }} }}\n"
        ))
    };
    all_refused(&[
        ("bad-duration", &playbook("  - { id: go, uses: approve, timeout: soon }\n"), &["soon"]),
        ("duration-without-unit", &playbook("  - { id: go, uses: approve, timeout: 30 }\n"), &["30"]),
        ("negative-duration", &playbook("  - { id: go, uses: approve, timeout: '-3s' }\n"), &["'-3s'"]),
        (
            "bad-bytes",
            &playbook("  - { id: d, uses: benchmark, with: { host: new, directory: /d, size: 4 apples } }\n"),
            &["4 apples"],
        ),
        (
            "negative-bytes",
            &playbook("  - { id: d, uses: benchmark, with: { host: new, directory: /d, size: -4 } }\n"),
            &["-4"],
        ),
        ("address-without-port", &tunnel("localhost"), &["localhost"]),
        ("address-with-a-wild-port", &tunnel("'127.0.0.1:99999'"), &["'127.0.0.1:99999'"]),
        ("retry-zero", &playbook("  - { id: go, uses: approve, retry: { attempts: 0 } }\n"), &["0"]),
        ("retry-huge", &playbook("  - { id: go, uses: approve, retry: { attempts: 1000000 } }\n"), &["1000000"]),
    ]);
}

#[test]
fn every_fault_in_one_report_in_the_order_of_the_file() {
    all_refused(&[(
        "many-faults",
        "version: 1
nmae: trial
inputs:
  size: { type: integer, default: large }
steps:
  - { id: a, uses: benchmrak, with: { host: new } }
  - { id: b, needs: [aa], uses: command, with: { host: nwe, run: [echo, '{{ inputs.sise }}'] } }
  - { id: b, uses: approve, timeout: soon }
  - { id: d, uses: dump, with: { server: source, on: target, databses: [] } }
",
        &["version", "nmae", "large", "benchmrak", "aa", "nwe", "inputs.sise", "b", "soon", "databses"],
    )]);
}

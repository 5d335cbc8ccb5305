//! Names nobody knows: kinds, fields, hosts, servers, applications, templates, tunnels.

use crate::check::{all_refused, playbook};

#[test]
fn kinds_and_fields_at_every_level() {
    all_refused(&[
        ("unknown-kind", &playbook("  - { id: go, uses: aprove }\n"), &["aprove"]),
        ("stranger-kind", &playbook("  - { id: go, uses: teleport }\n"), &["teleport"]),
        (
            "unknown-kind-in-hook",
            &playbook("  - { id: go, uses: approve, rollback: [{ uses: comand }] }\n"),
            &["comand"],
        ),
        (
            "unknown-field-at-the-top",
            "version: 1\nname: trial\nstep: []\nsteps:\n  - { id: go, uses: approve }\n",
            &["step"],
        ),
        ("unknown-field-of-a-step", &playbook("  - { id: go, uses: approve, neeeds: [] }\n"), &["neeeds"]),
        (
            "unknown-field-in-a-block",
            &playbook("  - { id: b, block: [{ id: go, uses: approve, wiht: {} }] }\n"),
            &["wiht"],
        ),
        ("unknown-field-of-a-kind", &playbook("  - { id: go, uses: approve, with: { mesage: now } }\n"), &["mesage"]),
        (
            "unknown-field-of-a-hook",
            &playbook("  - { id: go, uses: approve, rollback: [{ uses: approve, whith: {} }] }\n"),
            &["whith"],
        ),
        (
            "unknown-field-of-a-hooks-kind",
            &playbook(
                "  - { id: go, uses: approve, rollback: [{ uses: command, with: { host: new, run: [a], dir: / } }] }\n",
            ),
            &["dir"],
        ),
        (
            "unknown-field-of-retry",
            &playbook("  - { id: go, uses: approve, retry: { atempts: 3, attempts: 3 } }\n"),
            &["atempts"],
        ),
        (
            "unknown-field-of-defaults",
            "version: 1\nname: trial\ndefaults: { timout: 3s }\nsteps:\n  - { id: go, uses: approve }\n",
            &["timout"],
        ),
        (
            "unknown-field-of-an-input",
            "version: 1\nname: trial\ninputs: { a: { type: string, defualt: x, default: y } }\nsteps:\n  - { id: go, uses: approve }\n",
            &["defualt"],
        ),
        (
            "unknown-field-deep-in-a-kind",
            &playbook(
                "  - { id: d, uses: benchmark, with: { host: new, directory: /d, require: { write_ipos: 3 } } }\n",
            ),
            &["write_ipos"],
        ),
    ]);
}

#[test]
fn things_of_the_inventory() {
    all_refused(&[
        ("unknown-host", &playbook("  - { id: hi, uses: command, with: { host: nwe, run: [echo] } }\n"), &["nwe"]),
        ("unknown-server", &playbook("  - { id: d, uses: dump, with: { server: sorce, on: target } }\n"), &["sorce"]),
        (
            "unknown-server-by-template",
            &playbook("  - { id: d, uses: benchmark, with: { host: '{{ servers.sourse.host }}', directory: /d } }\n"),
            &["servers.sourse.host"],
        ),
        (
            "unknown-application",
            &playbook("  - { id: a, uses: repoint, with: { application: shpo, to: target } }\n"),
            &["shpo"],
        ),
        (
            "unknown-template",
            &playbook("  - { id: c, uses: render, with: { template: my.cnf, server: target, profile: import } }\n"),
            &["my.cnf"],
        ),
        (
            "unknown-tunnel",
            &playbook(
                "  - { id: a, uses: replication_account, with: { server: source, replica: target, through: tunnel } }\n",
            ),
            &["tunnel"],
        ),
        (
            "tunnel-that-does-not-come-before",
            &playbook(
                "  - { id: way, uses: tunnel, with: { from: new, listen: '127.0.0.1:3307', to: old, forward: '127.0.0.1:3306' } }\n  \
                 - { id: a, uses: replication_account, with: { server: source, replica: target, through: way } }\n",
            ),
            &["way"],
        ),
    ]);
}

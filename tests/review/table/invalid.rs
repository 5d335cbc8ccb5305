//! Documents that are not valid: no plan can be made of them.

use super::{ERROR, Row};

pub(super) const ROWS: &[Row] = &[
    ("a key twice", "C000", ERROR, &[("name: trial", "name: trial\n⟦name⟧: again")]),
    ("another version", "C000", ERROR, &[("version: 1", "version: ⟦2⟧")]),
    ("an unknown field", "C000", ERROR, &[("    needs: [disk]", "    ⟦nedes⟧: [disk]")]),
    ("an unknown kind", "C000", ERROR, &[("uses: benchmark", "uses: ⟦benchmrak⟧")]),
    ("an unknown need", "C000", ERROR, &[("needs: [replicate]", "needs: [⟦replicat⟧]")]),
    ("an id used twice", "C000", ERROR, with_step!("  - { id: ⟦tidy⟧, uses: approve }\n")),
    (
        "a circle",
        "C000",
        ERROR,
        with_step!("  - { id: ⟦a⟧, needs: [b], uses: approve }\n  - { id: b, needs: [a], uses: approve }\n"),
    ),
    ("a block with a kind", "C000", ERROR, &[("    deadline: 10s\n", "    deadline: 10s\n    ⟦uses⟧: approve\n")]),
    ("a duration without a unit", "C000", ERROR, &[("deadline: 10s", "deadline: ⟦10⟧")]),
    ("an unknown host", "C000", ERROR, &[("with: { host: new }", "with: { host: ⟦nwe⟧ }")]),
    (
        "an unknown server",
        "C000",
        ERROR,
        &[("uses: fence, with: { server: source }", "uses: fence, with: { server: ⟦sauce⟧ }")],
    ),
    ("an unknown application", "C000", ERROR, &[("application: shop", "application: ⟦shp⟧")]),
    ("an unknown tunnel", "C000", ERROR, &[("through: tunnel", "through: ⟦tunel⟧")]),
    ("an unknown template", "C000", ERROR, &[("template: my.cnf.j2", "template: ⟦mine.cnf.j2⟧")]),
    ("an unknown input", "C000", ERROR, &[("{{ inputs.iops }}", "{{ inputs.iops }}{{ ⟦inputs.iosp⟧ }}")]),
    ("an unknown output", "C000", ERROR, &[("{{ steps.dump.file }}", "{{ ⟦steps.dump.flie⟧ }}")]),
    (
        "an output of a later step",
        "C000",
        ERROR,
        &[("directory: /var/lib/mysql", "directory: '{{ ⟦steps.dump.file⟧ }}'")],
    ),
    ("an input of another type", "C000", ERROR, &[("default: 10000", "default: ⟦many⟧")]),
    ("an unknown way to fail", "C000", ERROR, &[("on_failure: stop", "on_failure: ⟦ignore⟧")]),
    (
        "a parameter that is missing",
        "C000",
        ERROR,
        &[("    with: { from: new, to: old, forward: '127.0.0.1:3306' }", "    with: ⟦{ from: new, to: old }⟧")],
    ),
    ("a literal password", "C000", ERROR, &[("password: { env: TARGET_PASSWORD }", "password: ⟦x7k9q2z⟧")]),
    ("a policy that is none", "C000", ERROR, &[("encrypted_replication: required", "encrypted_replication: ⟦maybe⟧")]),
];

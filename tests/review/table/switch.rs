//! What a switch must not lack, and what must not stay behind it.

use super::{ERROR, Row, WARNING};

pub(super) const ROWS: &[Row] = &[
    ("no comparison", "C021", ERROR, &[("verified: '{{ steps.verify.finished }}'", "verified: ⟦none⟧")]),
    (
        "a proof written by hand",
        "C021",
        ERROR,
        &[("verified: '{{ steps.verify.finished }}'", "verified: ⟦'2026-11-28T20:00:00Z'⟧")],
    ),
    (
        "the output of another step as a proof",
        "C021",
        ERROR,
        &[("verified: '{{ steps.verify.finished }}'", "verified: ⟦'{{ steps.dump.file }}'⟧")],
    ),
    (
        "a comparison of another server",
        "C021",
        ERROR,
        &[
            ("with: { replica: target }\n  - id: switch", "with: { source: target, replica: source }\n  - id: switch"),
            ("verified: '{{ steps.verify.finished }}'", "verified: ⟦'{{ steps.verify.finished }}'⟧"),
        ],
    ),
    (
        "no proof and not said so",
        "C000",
        ERROR,
        &[
            (", verified: '{{ steps.verify.finished }}'", ""),
            ("uses: promote, with: { server: target }", "uses: promote, with: ⟦{ server: target }⟧"),
        ],
    ),
    (
        "the file of an import stays",
        "C022",
        WARNING,
        &[
            ("profile: import", "profile: ⟦import⟧"),
            (
                "uses: render\n    with: { template: 'my.cnf.j2', server: target, profile: production }",
                "uses: command\n    with: { host: new, run: [date] }",
            ),
        ],
    ),
    (
        "closed for good",
        "C022",
        WARNING,
        with_step!(
            "  - { id: close, needs: [reverse], on_failure: stop, uses: ⟦set_variables⟧, with: { server: target, persist: true, variables: { read_only: 'ON' } } }\n"
        ),
    ),
    (
        "closed by the inventory",
        "C022",
        WARNING,
        &[("    server_id: 2\n", "    server_id: 2\n    settings: { read_only: ⟦'on'⟧ }\n")],
    ),
    (
        "no events",
        "C023",
        WARNING,
        &[
            ("uses: promote", "uses: ⟦promote⟧"),
            ("uses: events, with: { from: source, to: target }", "uses: command, with: { host: new, run: [date] }"),
        ],
    ),
    (
        "no way back",
        "C024",
        WARNING,
        &[
            ("uses: promote", "uses: ⟦promote⟧"),
            (
                "uses: reverse_replication\n    with: { replica: source, source: target, through: way_back, position: '{{ steps.promote.position }}' }",
                "uses: command\n    with: { host: new, run: [date] }",
            ),
        ],
    ),
    (
        "a port that only a rehearsal fills",
        "C025",
        ERROR,
        &[
            (
                "  iops: { type: integer, default: 10000 }\n",
                "  iops: { type: integer, default: 10000 }\n  listen: { type: string, default: ⟦'127.0.0.1:0'⟧, rehearsal: '127.0.0.1:0' }\n",
            ),
            ("with: { from: new, to: old, ", "with: { from: new, listen: '{{ inputs.listen }}', to: old, "),
        ],
    ),
];

//! Steps that cannot be put in order, and steps that are not there.

use crate::check::{all_refused, playbook};

#[test]
fn ids_and_needs() {
    all_refused(&[
        (
            "duplicate-id",
            &playbook(
                "  - { id: one, uses: approve }\n  - { id: two, uses: approve }\n  - { id: one, uses: approve }\n",
            ),
            &["one"],
        ),
        (
            "duplicate-id-of-block",
            &playbook("  - { id: one, uses: approve }\n  - id: one\n    block:\n      - { id: two, uses: approve }\n"),
            &["one"],
        ),
        (
            "unknown-need",
            &playbook("  - { id: first, uses: approve }\n  - { id: second, needs: [frist], uses: approve }\n"),
            &["frist"],
        ),
        ("bad-id", &playbook("  - { id: 'two words', uses: approve }\n"), &["'two words'"]),
    ]);
}

#[test]
fn circles_name_all_their_members() {
    all_refused(&[
        (
            "cycle",
            &playbook(
                "  - { id: alone, uses: approve }\n  - { id: a, needs: [c], uses: approve }\n  \
                 - { id: b, needs: [a, alone], uses: approve }\n  - { id: c, needs: [b], uses: approve }\n",
            ),
            &["a"],
        ),
        ("cycle-of-one", &playbook("  - { id: a, needs: [a], uses: approve }\n"), &["a"]),
        (
            "two-cycles-and-another-fault",
            &playbook(
                "  - { id: a, needs: [b], uses: approve }\n  - { id: b, needs: [a], uses: aprove }\n  \
                 - { id: c, needs: [d], uses: approve }\n  - { id: d, needs: [c], uses: approve }\n",
            ),
            &["a", "aprove", "c"],
        ),
        (
            "cycle-through-a-block",
            &playbook(
                "  - { id: go, needs: [switch], uses: approve }\n  - id: switch\n    needs: [go]\n    \
                 block:\n      - { id: one, uses: approve }\n      - { id: two, uses: approve }\n",
            ),
            &["go"],
        ),
    ]);
}

#[test]
fn blocks() {
    all_refused(&[
        (
            "block-in-block",
            &playbook("  - id: a\n    block:\n      - id: b\n        block:\n          - { id: c, uses: approve }\n"),
            &["block"],
        ),
        (
            "block-with-uses",
            &playbook("  - id: a\n    uses: approve\n    block:\n      - { id: c, uses: approve }\n"),
            &["uses"],
        ),
        ("empty-block", &playbook("  - { id: a, block: [] }\n"), &["block"]),
        ("deadline-without-block", &playbook("  - { id: a, uses: approve, deadline: 10s }\n"), &["deadline"]),
        ("neither-uses-nor-block", &playbook("  - { id: a, needs: [] }\n"), &["a"]),
    ]);
}

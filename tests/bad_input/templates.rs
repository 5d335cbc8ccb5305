//! Templates and references: wrong ones are underlined inside the scalar, however it is written.

use crate::check::{all_refused, playbook};

const DUMP: &str = "  - { id: dump, uses: dump, with: { server: source, on: target } }\n";

fn after_dump(step: &str) -> String {
    playbook(&format!("{DUMP}{step}"))
}

#[test]
fn references_to_steps() {
    all_refused(&[
        (
            "reference-to-unknown-output",
            &after_dump(
                "  - { id: i, needs: [dump], uses: import, with: { server: target, file: '{{ steps.dump.flie }}' } }\n",
            ),
            &["steps.dump.flie"],
        ),
        (
            "reference-to-unknown-step",
            &after_dump(
                "  - { id: i, needs: [dump], uses: import, with: { server: target, file: '{{ steps.dmup.file }}' } }\n",
            ),
            &["steps.dmup.file"],
        ),
        (
            "reference-to-a-step-not-before",
            &after_dump("  - { id: i, uses: import, with: { server: target, file: '{{ steps.dump.file }}' } }\n"),
            &["steps.dump.file"],
        ),
        (
            "reference-to-itself",
            &playbook("  - { id: i, uses: command, with: { host: new, run: [echo, '{{ steps.i.stdout }}'] } }\n"),
            &["steps.i.stdout"],
        ),
        (
            "reference-without-output",
            &after_dump(
                "  - { id: i, needs: [dump], uses: import, with: { server: target, file: '{{ steps.dump }}' } }\n",
            ),
            &["steps.dump"],
        ),
        (
            "reference-of-the-wrong-type",
            &after_dump(
                "  - { id: i, needs: [dump], uses: import, with: { server: target, file: '{{ steps.dump.position }}' } }\n",
            ),
            &["'{{ steps.dump.position }}'"],
        ),
        (
            "reference-to-a-part-that-is-not-there",
            &after_dump(
                "  - { id: i, needs: [dump], uses: import, with: { server: target, file: '{{ steps.dump.position.line }}' } }\n",
            ),
            &["steps.dump.position.line"],
        ),
        (
            "reference-calculated-with",
            &after_dump(
                "  - { id: i, needs: [dump], uses: import, with: { server: target, file: '{{ steps.dump.file | upper }}' } }\n",
            ),
            &["steps.dump.file"],
        ),
    ]);
}

#[test]
fn in_every_style_of_scalar() {
    let run = |scalar: &str| {
        playbook(&format!(
            "  - id: hi\n    uses: command\n    with:\n      host: new\n      run: [sh]\n      creates: {scalar}\n"
        ))
    };
    all_refused(&[
        ("template-plain", &run("/a/{{ inputs.nope }}/b"), &["inputs.nope"]),
        ("template-single-quoted", &run("'it''s {{ inputs.nope }}'"), &["inputs.nope"]),
        ("template-double-quoted", &run(r#""tab\there {{ inputs.nope }}""#), &["inputs.nope"]),
        ("template-block", &run("|\n        first line\n        second {{ inputs.nope }}"), &["inputs.nope"]),
        ("template-folded", &run(">-\n        first line\n        second {{ inputs.nope }}"), &["inputs.nope"]),
        ("template-syntax", &run("'/a/{{ inputs. }}'"), &["}}"]),
        ("template-syntax-block", &run("|\n        first line\n        {% if %}x{% endif %}"), &["%}"]),
        ("template-syntax-folded", &run(">-\n        first line\n        {{ 'a' + }}"), &["}}"]),
        ("template-unclosed", &run("'/a/{{ inputs.x'"), &["x"]),
        ("template-unknown-filter", &run("'{{ 1 | uper }}'"), &["uper"]),
        ("template-unknown-name", &run("'{{ input.a }}'"), &["input.a"]),
        (
            "template-second-of-two",
            &run("'{{ servers.source.host }} {{ servers.source.hots }}'"),
            &["servers.source.hots"],
        ),
        ("template-endless", &run("'{{ range(100000000) | list | length }}'"), &["range"]),
    ]);
}

#[test]
fn conditions() {
    let when = |when: &str| after_dump(&format!("  - {{ id: go, needs: [dump], uses: approve, when: {when} }}\n"));
    all_refused(&[
        ("when-unknown-input", &when("inputs.nope > 1"), &["inputs.nope"]),
        ("when-no-boolean", &when("servers.source.host"), &["servers.source.host"]),
        ("when-syntax", &when("'1 >'"), &[">"]),
        ("when-number", &when("3"), &["3"]),
        ("when-unknown-output", &when("steps.dump.flie"), &["steps.dump.flie"]),
    ]);
}

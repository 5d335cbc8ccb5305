//! Valid, and a bad idea.

use super::{ERROR, Row, TIDY, WARNING};

pub(super) const ROWS: &[Row] = &[
    ("no benchmark", "C001", WARNING, &[("    needs: [disk]\n", ""), ("uses: import\n", "uses: ⟦import⟧\n")]),
    (
        "a benchmark of another host",
        "C001",
        WARNING,
        &[("with: { host: new, d", "with: { host: old, d"), ("uses: import\n", "uses: ⟦import⟧\n")],
    ),
    (
        "a benchmark that requires nothing",
        "C002",
        WARNING,
        &[
            ("inputs:\n  iops: { type: integer, default: 10000 }\n", ""),
            ("uses: benchmark", "uses: ⟦benchmark⟧"),
            (", require: { write_iops: '{{ inputs.iops }}' }", ""),
        ],
    ),
    (
        "no durable settings",
        "C003",
        WARNING,
        &[("sync_binlog: 1", "sync_binlog: 0"), ("uses: promote", "uses: ⟦promote⟧")],
    ),
    (
        "durable settings after the switch",
        "C003",
        WARNING,
        &[
            ("needs: [durable]", "needs: [catch_up]"),
            (
                "needs: [catch_up]\n    uses: set_variables",
                "needs: [switch]\n    on_failure: stop\n    uses: set_variables",
            ),
            ("uses: promote", "uses: ⟦promote⟧"),
        ],
    ),
    (
        "durable in memory only",
        "C004",
        WARNING,
        &[
            ("persist: true, ", ""),
            ("uses: set_variables", "uses: ⟦set_variables⟧"),
            (
                "uses: render\n    with: { template: 'my.cnf.j2', server: target, profile: production }",
                "uses: set_variables\n    with: { server: target, persist: true, variables: { read_only: false } }",
            ),
        ],
    ),
    (
        "no proof at all",
        "C005",
        WARNING,
        &[
            ("uses: wait_for_lag\n    with: { replica: target }", "uses: approve"),
            (
                "uses: wait_for_position, with: { replica: target, position: '{{ steps.fence.position }}' }",
                "uses: approve",
            ),
            ("uses: promote", "uses: ⟦promote⟧"),
        ],
    ),
    (
        "a lag as the only proof",
        "C006",
        WARNING,
        &[
            ("uses: wait_for_lag", "uses: ⟦wait_for_lag⟧"),
            (
                "uses: wait_for_position, with: { replica: target, position: '{{ steps.fence.position }}' }",
                "uses: approve",
            ),
        ],
    ),
    (
        "a place from before the fence",
        "C006",
        WARNING,
        &[
            ("uses: wait_for_lag", "uses: ⟦wait_for_lag⟧"),
            ("      - { id: fence, uses: fence, with: { server: source } }\n", ""),
            ("'{{ steps.fence.position }}'", "'{{ steps.dump.position }}'"),
        ],
    ),
    ("a block without a deadline", "C007", WARNING, &[("id: switch", "id: ⟦switch⟧"), ("    deadline: 10s\n", "")]),
    (
        "a fence in no block",
        "C007",
        WARNING,
        &[
            ("      - { id: fence, uses: fence, with: { server: source } }\n", ""),
            (
                "  - id: switch\n    needs: [verify]",
                "  - { id: fence, needs: [verify], uses: ⟦fence⟧, with: { server: source } }\n  - id: switch\n    needs: [fence]",
            ),
        ],
    ),
    (
        "a command that stays",
        "C008",
        WARNING,
        with_step!("  - { id: own, uses: ⟦command⟧, with: { host: new, run: [systemctl, stop, worker] } }\n"),
    ),
    (
        "a statement that stays",
        "C008",
        WARNING,
        with_step!(
            "  - { id: own, uses: ⟦sql⟧, with: { server: source, statements: ['SELECT 1', 'SET GLOBAL x = 1'] } }\n"
        ),
    ),
    (
        "replication in plain text",
        "C009",
        WARNING,
        &[
            ("through: tunnel, ", ""),
            ("uses: change_source", "uses: ⟦change_source⟧"),
            ("encrypted_replication: required", "encrypted_replication: optional"),
        ],
    ),
    (
        "a load in the binary log",
        "C010",
        WARNING,
        &[("file: '{{ steps.dump.file }}'", "file: '{{ steps.dump.file }}', binlog: ⟦true⟧")],
    ),
    (
        "a write on the replica",
        "C011",
        WARNING,
        with_step!(
            "  - { id: own, uses: ⟦sql⟧, with: { server: target, statements: [CREATE DATABASE x], undo: [DROP DATABASE x] } }\n"
        ),
    ),
    (
        "a password behind -p",
        "C012",
        ERROR,
        with_step!(
            "  - { id: own, uses: command, with: { host: new, run: [mysql, -uroot, ⟦-px7k9q2z⟧], undo: [a] } }\n"
        ),
    ),
    (
        "a password behind --password=",
        "C012",
        ERROR,
        with_step!(
            "  - { id: own, uses: command, with: { host: new, run: [tool, ⟦--password=x7k9q2z⟧], undo: [a] } }\n"
        ),
    ),
    (
        "a password behind --password",
        "C012",
        ERROR,
        with_step!(
            "  - { id: own, uses: command, with: { host: new, run: [tool, --password, ⟦x7k9q2z⟧], undo: [a] } }\n"
        ),
    ),
    (
        "a password in a script",
        "C012",
        ERROR,
        with_step!(
            "  - { id: own, uses: command, with: { host: new, run: [sh, -c, 'cd /; ⟦MYSQL_PWD=x7k9q2z⟧ mysql -e x'], undo: [a] } }\n"
        ),
    ),
    (
        "a password in an address",
        "C012",
        ERROR,
        with_step!(
            "  - { id: own, uses: command, with: { host: new, run: [curl, '⟦https://me:x7k9q2z@host/x⟧'], undo: [a] } }\n"
        ),
    ),
    (
        "a password in a hook",
        "C012",
        ERROR,
        with_step!(
            "  - id: own\n    uses: approve\n    rollback: [{ uses: command, with: { host: new, run: [tool, ⟦--token=x7k9q2z⟧] } }]\n"
        ),
    ),
    (
        "an input that is a secret",
        "C013",
        ERROR,
        &[
            (
                "iops: { type: integer, default: 10000 }",
                "iops: { type: integer, default: 10000 }\n  db_password: { type: string, default: ⟦x7k9q2z⟧ }",
            ),
            ("id: tidy\n", "id: tidy\n    when: inputs.db_password != ''\n"),
        ],
    ),
    (
        "an input that is a token",
        "C013",
        ERROR,
        &[
            (
                "iops: { type: integer, default: 10000 }",
                "iops: { type: integer, default: 10000 }\n  api_token: { type: string, default: ⟦x7k9q2z⟧ }",
            ),
            ("id: tidy\n", "id: tidy\n    when: inputs.api_token != ''\n"),
        ],
    ),
    (
        "an account with a password",
        "C013",
        ERROR,
        with_step!(
            "  - { id: own, uses: sql, with: { server: source, statements: [\"CREATE USER a IDENTIFIED BY '⟦x7k9q2z⟧'\"], undo: [DROP USER a] } }\n"
        ),
    ),
    ("two servers with one server_id", "C015", ERROR, &[("server_id: 2", "server_id: ⟦1⟧")]),
    ("an input that nothing uses", "C016", WARNING, &[("'{{ inputs.iops }}'", "10000"), ("  iops: {", "  ⟦iops⟧: {")]),
    ("a step that never runs", "C017", WARNING, with_step!("  - { id: own, when: ⟦false⟧, uses: approve }\n")),
    (
        "a condition that is always false",
        "C017",
        WARNING,
        with_step!("  - { id: own, when: ⟦1 > 2⟧, uses: approve }\n"),
    ),
    ("a failure that means nothing", "C018", WARNING, &[("id: tidy", "id: ⟦tidy⟧"), (TIDY, "")]),
    (
        "a comment without a reason",
        "C019",
        WARNING,
        with_step!("⟦# cutover: allow C008⟧\n  - { id: own, uses: approve }\n"),
    ),
    (
        "a comment that nothing needs",
        "C020",
        WARNING,
        with_step!("  - { id: own, uses: approve } ⟦# cutover: allow C008 because it was needed once⟧\n"),
    ),
    (
        "a comment for no rule",
        "C020",
        WARNING,
        with_step!("  - { id: own, uses: approve } ⟦# cutover: allow C800 because of a slip⟧\n"),
    ),
];

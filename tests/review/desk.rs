//! A folder with a playbook and an inventory, and the program run in it.

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

/// A swap that no rule has anything against, and that rows of a table break in one place.
pub const PLAYBOOK: &str = "\
version: 1
name: trial
inputs:
  iops: { type: integer, default: 10000 }
steps:
  - id: disk
    uses: benchmark
    with: { host: new, directory: /var/lib/mysql, require: { write_iops: '{{ inputs.iops }}' } }
  - id: import_config
    needs: [disk]
    uses: render
    with: { template: my.cnf.j2, server: target, profile: import, restart: true }
  - id: tunnel
    uses: tunnel
    with: { from: new, to: old, forward: '127.0.0.1:3306' }
  - id: dump
    needs: [import_config]
    uses: dump
    with: { server: source, on: target }
  - id: import
    needs: [dump]
    uses: import
    with: { server: target, file: '{{ steps.dump.file }}' }
  - id: replicate
    needs: [import, tunnel]
    uses: change_source
    with: { replica: target, source: source, through: tunnel, position: '{{ steps.dump.position }}' }
  - id: catch_up
    needs: [replicate]
    uses: wait_for_lag
    with: { replica: target }
  - id: durable
    needs: [catch_up]
    uses: set_variables
    with: { server: target, persist: true, variables: { innodb_flush_log_at_trx_commit: 1, sync_binlog: 1 } }
  - id: verify
    needs: [durable]
    uses: verify
    with: { replica: target }
  - id: switch
    needs: [verify]
    deadline: 10s
    block:
      - { id: fence, uses: fence, with: { server: source } }
      - { id: final, uses: wait_for_position, with: { replica: target, position: '{{ steps.fence.position }}' } }
      - { id: promote, uses: promote, with: { server: target, verified: '{{ steps.verify.finished }}' } }
      - { id: app, uses: repoint, with: { application: shop, to: target } }
  - { id: events, needs: [switch], on_failure: continue, uses: events, with: { from: source, to: target } }
  - id: production
    needs: [events]
    on_failure: continue
    uses: render
    with: { template: 'my.cnf.j2', server: target, profile: production }
  - id: way_back
    uses: tunnel
    with: { from: old, to: new, forward: '{{ servers.target.address }}' }
  - id: reverse
    needs: [production, way_back]
    on_failure: continue
    uses: reverse_replication
    with: { replica: source, source: target, through: way_back, position: '{{ steps.promote.position }}' }
  - id: tidy
    needs: [reverse]
    uses: clean_up
    with: { host: new }
    on_failure: stop
";

/// Where it is carried out.
pub const INVENTORY: &str = "\
hosts:
  old: { ssh: old.example }
  new: { ssh: new.example }
servers:
  source: { host: old, address: '127.0.0.1:3306', user: migrate, password: { env: SOURCE_PASSWORD }, server_id: 1 }
  target:
    host: new
    address: 127.0.0.1:3306
    user: migrate
    password: { env: TARGET_PASSWORD }
    replication: { user: repl, password: { env: REPL_PASSWORD } }
    server_id: 2
    config_file: /etc/mysql/my.cnf
    data_dir: /var/lib/mysql
    restart: [systemctl, restart, mariadb]
applications:
  shop: { config: { template: app.env.j2, path: /etc/shop/db.env, host: new }, reload: [systemctl, reload, shop] }
policy: { encrypted_replication: required }
";

/// A folder with documents in it.
pub struct Desk {
    folder: TempDir,
}

impl Desk {
    pub fn new(playbook: &str, inventory: &str) -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        desk.write("playbook.yaml", playbook);
        desk.write("inventory.yaml", inventory);
        desk
    }
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
    }
    pub fn check(&self, arguments: &[&str]) -> Output {
        let mut program = program();
        program.current_dir(self.path()).args(["check", "playbook.yaml", "-i", "inventory.yaml"]).args(arguments);
        program.output().unwrap()
    }
    /// The report of `check --format json`, with the exit code.
    pub fn json(&self, arguments: &[&str]) -> (Option<i32>, Value) {
        let output = self.check(&[&["--format", "json"], arguments].concat());
        let report = serde_json::from_slice(&output.stdout);
        (output.status.code(), report.unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr))))
    }
}

/// The program, without colours and without anybody's settings.
pub fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_cutover"));
    program.env("NO_COLOR", "1").env_remove("RUST_LOG");
    program
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// `text` with `from` replaced by `to`; `from` must stand there once.
pub fn changed(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "{from:?} must stand once in\n{text}");
    text.replace(from, to)
}

/// The bytes between two places of a report, each with line and column from 1, in characters.
pub fn between(text: &str, start: &Value, end: &Value) -> String {
    let offset = |place: &Value| {
        let number = |name: &str| usize::try_from(place[name].as_u64().unwrap()).unwrap();
        let line = text.split_inclusive('\n').take(number("line") - 1).map(str::len).sum::<usize>();
        let column = text[line..].chars().take(number("column") - 1).map(char::len_utf8).sum::<usize>();
        line + column
    };
    text[offset(start)..offset(end)].to_owned()
}

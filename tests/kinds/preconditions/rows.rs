//! The table: what is spoilt, who must name it, and in which words.

use super::world::Look;
use cutover::domain::product::Family::{self, MariaDb, MySql};
use serde_json::json;
use std::os::unix::fs::symlink;
use std::path::Path;

/// How a precondition is broken.
pub enum Spoil {
    /// By statements, and put back by others.
    Sql { on: &'static str, by: &'static [&'static str], back: &'static [&'static str] },
    /// In the inventory, in the playbook's inputs, or on a host.
    Plan(fn(&mut Look, &Path)),
}

/// A broken precondition, the check or step that names it, and some of its words.
pub struct Row {
    pub spoil: Spoil,
    pub name: &'static str,
    pub words: &'static str,
}

type Statements = &'static [&'static str];

fn sql(on: &'static str, by: Statements, back: Statements, name: &'static str, words: &'static str) -> Row {
    Row { spoil: Spoil::Sql { on, by, back }, name, words }
}

fn plan(change: fn(&mut Look, &Path), name: &'static str, words: &'static str) -> Row {
    Row { spoil: Spoil::Plan(change), name, words }
}

/// Groups that are spoilt together: within one, nothing hides another.
pub fn rows(family: Family) -> Vec<Vec<Row>> {
    match family {
        MariaDb => {
            vec![both(), mariadb(), definitions(), channels(), hosts(), programs(), inputs(), left_out(), last()]
        }
        MySql => vec![both(), mysql(), definitions(), hosts(), inputs(), left_out()],
    }
}

fn both() -> Vec<Row> {
    vec![
        sql(
            "source",
            &["SET GLOBAL binlog_row_image = 'MINIMAL'"],
            &["SET GLOBAL binlog_row_image = 'FULL'"],
            "row_image",
            "is MINIMAL",
        ),
        sql(
            "source",
            &["SET GLOBAL binlog_expire_logs_seconds = 1"],
            &["SET GLOBAL binlog_expire_logs_seconds = 0"],
            "binlog_retention",
            "keeps binary logs for 1s",
        ),
        sql(
            "source",
            &["CREATE TABLE shop.old_engine (id INT PRIMARY KEY) ENGINE = MyISAM"],
            &["DROP TABLE shop.old_engine"],
            "engines",
            "shop.old_engine (MyISAM)",
        ),
        sql(
            "source",
            &["CREATE DEFINER = ghost@localhost VIEW shop.haunted AS SELECT 1 AS one"],
            &["DROP VIEW shop.haunted"],
            "definers",
            "neither server has an account for these definers: ghost@localhost (view shop.haunted)",
        ),
        sql(
            "source",
            &["CREATE USER away@localhost", "CREATE DEFINER = away@localhost VIEW shop.far AS SELECT 1 AS one"],
            &["DROP VIEW shop.far", "DROP USER away@localhost"],
            "definers",
            "the target has no account for these definers: away@localhost (view shop.far)",
        ),
        sql(
            "source",
            &["CREATE DATABASE cutover", "CREATE TABLE cutover.orders (id INT PRIMARY KEY)"],
            &["DROP DATABASE cutover"],
            "own_databases",
            "does not belong to cutover: table orders",
        ),
        sql(
            "target",
            &["CREATE DATABASE there", "CREATE TABLE there.already (id INT PRIMARY KEY)"],
            &["DROP DATABASE there"],
            "target_empty",
            "there.already",
        ),
        sql(
            "target",
            &["CREATE DATABASE odd", "CREATE VIEW odd.one AS SELECT 1 AS one"],
            &["DROP DATABASE odd"],
            "target_empty",
            "odd.one",
        ),
        sql(
            "source",
            &["ALTER USER migrate@'127.0.0.1' WITH MAX_QUERIES_PER_HOUR 1000000"],
            &["ALTER USER migrate@'127.0.0.1' WITH MAX_QUERIES_PER_HOUR 0"],
            "connection_limits",
            "migrate on `source` is limited to 1000000 queries",
        ),
        sql(
            "target",
            &["ALTER USER migrate@'127.0.0.1' WITH MAX_USER_CONNECTIONS 8"],
            &["ALTER USER migrate@'127.0.0.1' WITH MAX_USER_CONNECTIONS 0"],
            "connection_limits",
            "migrate on `target` is limited to 8 connections at once",
        ),
        sql(
            "source",
            &["ALTER USER shop@'127.0.0.1' IDENTIFIED BY 'another'"],
            &["ALTER USER shop@'127.0.0.1' IDENTIFIED BY 'laden'"],
            "application_login",
            "shop cannot log in to `source`",
        ),
        sql(
            "source",
            &["INSERT INTO mysql.time_zone_name VALUES ('Europe/Oslo', 1)"],
            &["DELETE FROM mysql.time_zone_name"],
            "time_zone",
            "the source has named time zones (1), the target has none",
        ),
    ]
}

fn mariadb() -> Vec<Row> {
    vec![
        sql(
            "source",
            &["SET GLOBAL binlog_format = 'STATEMENT'"],
            &["SET GLOBAL binlog_format = 'ROW'"],
            "binlog_format",
            "is STATEMENT",
        ),
        sql(
            "source",
            &["SET GLOBAL replicate_wild_ignore_table = 'app.%'"],
            &["SET GLOBAL replicate_wild_ignore_table = ''"],
            "replication_filters",
            "`source` does not apply everything: replicate_wild_ignore_table is app.%: reverse replication would miss these changes",
        ),
        sql(
            "target",
            &["SET GLOBAL replicate_do_db = 'shop'"],
            &["SET GLOBAL replicate_do_db = ''"],
            "replication_filters",
            "`target` does not apply everything: replicate_do_db is shop",
        ),
        sql(
            "target",
            &["SET GLOBAL slave_max_allowed_packet = 1048576"],
            &["SET GLOBAL slave_max_allowed_packet = 1073741824"],
            "packet_size",
            "slave_max_allowed_packet of the target is 1.0 MiB",
        ),
        sql(
            "target",
            &["CREATE DATABASE numbers", "CREATE SEQUENCE numbers.s"],
            &["DROP DATABASE numbers"],
            "target_empty",
            "sequence numbers.s",
        ),
        sql(
            "source",
            &["CREATE USER admin2@'%'", "GRANT READ_ONLY ADMIN ON *.* TO admin2@'%'"],
            &["DROP USER admin2@'%'"],
            "read_only_bypass",
            "read_only does not stop writes by admin2@%",
        ),
        sql(
            "source",
            &["CREATE USER repl@'127.0.0.1' IDENTIFIED BY 'another'"],
            &["DROP USER repl@'127.0.0.1'"],
            "replication_login",
            "repl cannot log in to the source",
        ),
        sql(
            "target",
            &["CREATE USER shop@'127.0.0.1' IDENTIFIED BY 'another'"],
            &["DROP USER shop@'127.0.0.1'"],
            "application_login",
            "shop cannot log in to `target`",
        ),
    ]
}

fn mysql() -> Vec<Row> {
    vec![
        sql(
            "source",
            &[
                "CREATE TABLESPACE shared ADD DATAFILE 'shared.ibd'",
                "CREATE TABLE shop.s (id INT PRIMARY KEY) TABLESPACE shared",
            ],
            &["DROP TABLE shop.s", "DROP TABLESPACE shared"],
            "storage",
            "a dump does not create the tablespaces of shop.s",
        ),
        sql(
            "target",
            &["CHANGE REPLICATION FILTER REPLICATE_IGNORE_DB = (shop)"],
            &["CHANGE REPLICATION FILTER REPLICATE_IGNORE_DB = ()"],
            "replication_filters",
            "`target` does not apply everything: replicate_ignore_db is shop",
        ),
        sql(
            "source",
            &["CHANGE REPLICATION SOURCE TO SOURCE_HOST = '192.0.2.1' FOR CHANNEL 'odd'"],
            &["RESET REPLICA ALL FOR CHANNEL 'odd'"],
            "source_is_replica",
            "the source replicates from 192.0.2.1",
        ),
    ]
}

/// Found by the dump program itself.
fn definitions() -> Vec<Row> {
    vec![
        sql(
            "source",
            &[
                "CREATE TABLE shop.gone (id INT PRIMARY KEY)",
                "CREATE VIEW shop.v1 AS SELECT id FROM shop.gone",
                "CREATE VIEW shop.v2 AS SELECT id FROM shop.v1",
                "DROP TABLE shop.gone",
            ],
            &["DROP VIEW shop.v2"],
            "steps.dump",
            "View 'shop.v2' references invalid table(s)",
        ),
        sql("source", &[], &["DROP VIEW shop.v1"], "steps.dump", "View 'shop.v1' references invalid table(s)"),
    ]
}

fn channels() -> Vec<Row> {
    vec![
        sql(
            "target",
            &["CHANGE MASTER 'odd' TO MASTER_HOST = '192.0.2.1'"],
            &["RESET SLAVE 'odd' ALL"],
            "source_is_replica",
            "the target already replicates from 192.0.2.1",
        ),
        sql(
            "source",
            &["CHANGE MASTER 'odd' TO MASTER_HOST = '192.0.2.2'"],
            &["RESET SLAVE 'odd' ALL"],
            "source_is_replica",
            "the source replicates from 192.0.2.2",
        ),
        sql(
            "source",
            &["CREATE TABLE shop.far (id INT PRIMARY KEY) DATA DIRECTORY = '/tmp'"],
            &["DROP TABLE shop.far"],
            "storage",
            "in folders of their own (DATA DIRECTORY): shop.far",
        ),
    ]
}

fn hosts() -> Vec<Row> {
    vec![
        plan(
            |look, folder| {
                symlink(folder.join("nowhere.cnf"), folder.join("dangling.cnf")).unwrap();
                look.inventory["servers"]["source"]["config_file"] = json!(folder.join("dangling.cnf"));
            },
            "files",
            "dangling.cnf on old cannot be written: it is a link to a file that is not there",
        ),
        plan(
            |look, folder| look.inventory["hosts"]["new"]["work_dir"] = json!(folder.join("shop/work")),
            "files",
            "shop is no folder",
        ),
        plan(
            |look, _| look.inventory["hosts"]["new"]["dump_dir"] = json!("/tmp/dumps"),
            "files",
            "/tmp/dumps on new cannot be written: /tmp (owner root, mode 1777) can be written by others",
        ),
        plan(
            |look, _| look.inventory["applications"]["shop"]["config"]["path"] = json!("/nowhere/at/all/db.env"),
            "files",
            "/nowhere/at/all/db.env on new cannot be written: its folder /nowhere/at/all is not there",
        ),
        plan(
            |look, _| look.inventory["servers"]["target"]["config_file"] = json!("/proc/my.cnf"),
            "files",
            "/proc/my.cnf on new cannot be written",
        ),
        plan(
            |look, _| look.inventory["servers"]["target"]["restart"] = json!(["restrat-mariadb"]),
            "start_command",
            "servers.target.restart: program `restrat-mariadb` not found",
        ),
        plan(
            |look, _| look.inventory["servers"]["source"]["start"] = json!(["/opt/strat.sh", "now"]),
            "start_command",
            "servers.source.start: program `/opt/strat.sh` not found",
        ),
        plan(
            |look, _| look.inventory["applications"]["shop"]["reload"] = json!(["relaod-shop"]),
            "start_command",
            "applications.shop.reload: program `relaod-shop` not found",
        ),
        plan(
            |look, _| look.inventory["servers"]["target"]["data_dir"] = json!("/proc/mysql"),
            "steps.disk",
            "no file can be made in /proc/mysql",
        ),
        plan(
            |look, _| {
                look.inventory["servers"]["source"]["endpoint"] = json!("127.0.0.1:1");
            },
            "application_login",
            "the login of shop to `source` could not be tried",
        ),
        plan(
            |look, _| {
                look.inventory["applications"]["shop"]["haproxy"] = json!({ "host": "new", "socket": "/nowhere/haproxy.sock",
                    "backend": "db", "servers": { "source": "old", "target": "new" } });
            },
            "steps.app",
            "/nowhere/haproxy.sock",
        ),
        plan(
            |look, _| look.inventory["hosts"]["new"]["peer_ssh_config"] = json!("/nowhere/ssh_config"),
            "steps.tunnel",
            "/nowhere/ssh_config",
        ),
    ]
}

/// A host without its tools, and ports that are taken.
fn programs() -> Vec<Row> {
    vec![
        plan(
            |_, folder| shadow(folder, &["mariadb-dump", "mysqldump"]),
            "steps.dump",
            "dump program of MariaDB not found",
        ),
        plan(
            |look, _| look.inventory["hosts"]["old"]["peer_ssh_config"] = json!("/nowhere/ssh_config"),
            "steps.way_back",
            "/nowhere/ssh_config",
        ),
        plan(
            |look, folder| {
                std::fs::write(folder.join("wrong"), "wrong").unwrap();
                look.inventory["applications"]["shop"]["accounts"][0]["password"] = json!({ "file": "wrong" });
            },
            "application_login",
            "shop cannot log in to `source`",
        ),
    ]
}

/// Programs of the new host that do nothing.
fn shadow(folder: &Path, names: &[&str]) {
    use std::os::unix::fs::PermissionsExt;
    for name in names {
        let path = folder.join("ssh/new/home/bin").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let _ = std::fs::remove_file(&path);
        std::fs::write(&path, "#!/bin/sh\nexit 1\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}

fn inputs() -> Vec<Row> {
    vec![
        plan(
            |look, _| look.set.push(r#"databases=["shop", "nope"]"#.to_owned()),
            "databases",
            "the source has no user database nope",
        ),
        plan(|look, _| look.set.push("benchmark_size=900TiB".to_owned()), "steps.disk", "; needed: "),
        plan(|look, _| look.take("tunnel"), "steps.tunnel", "another program already listens on 127.0.0.1:"),
        plan(|look, _| look.take("way_back_tunnel"), "steps.way_back", "another program already listens on 127.0.0.1:"),
    ]
}

fn left_out() -> Vec<Row> {
    vec![
        sql(
            "source",
            &["CREATE DATABASE other", "CREATE VIEW other.v AS SELECT 1 AS one"],
            &["DROP DATABASE other"],
            "databases",
            "these are in none of `databases`: other.v (view)",
        ),
        plan(
            |look, _| look.set.push(r#"databases=["shop"]"#.to_owned()),
            "databases",
            "replication includes every database",
        ),
    ]
}

fn last() -> Vec<Row> {
    vec![
        sql(
            "source",
            &["REVOKE SHOW VIEW ON *.* FROM migrate@'127.0.0.1'"],
            &[],
            "privileges",
            "migrate on `source` lacks SHOW VIEW",
        ),
        sql(
            "target",
            &["REVOKE BINLOG ADMIN, SUPER ON *.* FROM migrate@'127.0.0.1'"],
            &[],
            "privileges",
            "on `target` lacks BINLOG ADMIN",
        ),
    ]
}

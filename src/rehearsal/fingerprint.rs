//! What a server, its files and its host's work folder look like: taken before and after, it proves that nothing
//! was changed, or shows what was.

use super::server::Server;
use crate::domain::Sql;
use crate::domain::product::Family;
use crate::effects::Session;
use crate::error::{Failure, Result};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

const LIMIT: Duration = Duration::from_mins(1);
/// Variables that change by themselves, count what has been written since, or that the sandbox gave to a server's
/// very first start alone.
const VOLATILE: [&str; 10] = [
    "init_file",
    "gtid_binlog_pos",
    "gtid_binlog_state",
    "gtid_current_pos",
    "gtid_executed",
    "gtid_owned",
    "gtid_purged",
    "pseudo_thread_id",
    "innodb_buffer_pool_load_now",
    "innodb_log_file_buffering", // determined again by every start
];
/// Files of a data directory that come and go with the server's own work.
const OWN_WORK: [&str; 8] = ["binlog", "ib", "#ib", "aria", "mysql-bin", "ddl.log", "ddl_recovery", "undo"];
/// Tables in which the server notes how far it has come; whether there is a channel at all shows in its status.
const WRITTEN_BY_SERVER: [&str; 5] = [
    "`mysql`.`gtid_slave_pos`",
    "`mysql`.`gtid_executed`",
    "`mysql`.`slave_worker_info`",
    "`mysql`.`slave_relay_log_info`",
    "`mysql`.`slave_master_info`",
];
/// What moves on a server that is a replica: files that come and go with what it applies, and how far it has come.
const RELAYED: [&str; 2] = ["relay-bin", "variable gtid_slave_pos"];
/// Everything that is code or schema, as one text a row.
const DEFINITIONS: &[(&str, &str)] = &[
    (
        "routine",
        "SELECT CONCAT_WS('.', routine_schema, routine_name), routine_definition FROM information_schema.routines WHERE routine_schema NOT IN ('sys', 'mysql')",
    ),
    (
        "trigger",
        "SELECT CONCAT_WS('.', trigger_schema, trigger_name), action_statement FROM information_schema.triggers WHERE trigger_schema <> 'sys'",
    ),
    (
        "event",
        "SELECT CONCAT_WS('.', event_schema, event_name), CONCAT_WS(' ', status, event_definition) FROM information_schema.events",
    ),
    (
        "view",
        "SELECT CONCAT_WS('.', table_schema, table_name), view_definition FROM information_schema.views WHERE table_schema <> 'sys'",
    ),
    ("database", "SELECT schema_name, default_collation_name FROM information_schema.schemata"),
];

/// Facts by name.
#[derive(Debug, PartialEq, Eq)]
pub struct Fingerprint(BTreeMap<String, String>);

impl Fingerprint {
    /// Of a server, and of a work folder on its host. Contents of the database `busy` are left out: somebody writes
    /// there.
    ///
    /// # Errors
    /// When the server or a file cannot be read.
    pub async fn of(server: &Server, session: &Session, work: &Path, busy: Option<&str>) -> Result<Self> {
        let mut facts = BTreeMap::new();
        for (name, value) in pairs(session, "SHOW GLOBAL VARIABLES").await? {
            if !VOLATILE.contains(&name.as_str()) {
                facts.insert(format!("variable {name}"), value);
            }
        }
        for &(what, sql) in DEFINITIONS {
            facts.extend(pairs(session, sql).await?.into_iter().map(|(name, text)| (format!("{what} {name}"), text)));
        }
        tables(session, busy, &mut facts).await?;
        accounts(session, server.family(), &mut facts).await?;
        let channels = match server.family() {
            Family::MariaDb => "SHOW ALL SLAVES STATUS".into(),
            Family::MySql => server.dialect().replica_status(),
        };
        let channels = session.query(&channels, LIMIT).await?;
        let columns = server.dialect().status_columns();
        let lasting =
            [columns.source_host, columns.source_port, columns.source_user, columns.io_running, columns.sql_running];
        let channels: Vec<_> =
            channels.iter().map(|row| lasting.map(|name| row.get(name).map(str::to_owned))).collect();
        facts.insert("channels".into(), format!("{channels:?}"));
        facts.insert("my.cnf".into(), read(&server.config_file())?);
        files(server.dir(), 1, &mut facts)?;
        files(&server.data_dir(), 1, &mut facts)?;
        files(work, 9, &mut facts)?;
        // by what stands there an older copy of a journal is refused, also after a rollback: it stays
        let leases = format!("file {}", work.join("leases").display());
        facts.retain(|name, _| !name.starts_with(&leases));
        if !channels.is_empty() {
            facts.retain(|name, _| !RELAYED.iter().any(|moving| name.contains(moving)));
        }
        if server.family() == Family::MySql {
            facts.retain(|name, _| !name.contains(RELAYED[0])); // it begins an empty one when it forgets its source
        }
        Ok(Self(facts))
    }

    /// How another one differs, some lines a fact; empty when it does not.
    #[must_use]
    pub fn changes(&self, after: &Self) -> String {
        let mut lines = String::new();
        let names: std::collections::BTreeSet<&String> = self.0.keys().chain(after.0.keys()).collect();
        for name in names {
            let (old, new) = (self.0.get(name), after.0.get(name));
            if old != new {
                let _ = writeln!(lines, "{name}:\n  before: {old:?}\n  after:  {new:?}"); // a String takes everything
            }
        }
        lines
    }
}

async fn pairs(session: &Session, sql: impl Into<Sql>) -> Result<Vec<(String, String)>> {
    let rows = session.query(sql, LIMIT).await?;
    let text = |value: Option<&str>| value.unwrap_or("NULL").to_owned();
    Ok(rows.iter().map(|row| (text(row.at(0)), text(row.at(1)))).collect())
}

async fn tables(session: &Session, busy: Option<&str>, facts: &mut BTreeMap<String, String>) -> Result<()> {
    let sql = "SELECT CONCAT('`', table_schema, '`.`', table_name, '`'), engine FROM information_schema.tables \
        WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('sys', 'information_schema', 'performance_schema')";
    for (table, engine) in pairs(session, sql).await? {
        // the server itself writes statistics and its own position into these
        if table.starts_with("`mysql`.`innodb_") || WRITTEN_BY_SERVER.contains(&table.as_str()) {
            continue;
        }
        let is_busy = busy.is_some_and(|database| table.starts_with(&format!("`{database}`.")));
        // when an event ran last stands in its row; everything else of it is a definition
        let counted = is_busy
            || engine == "CSV"
            || table == "`mysql`.`event`"
            || table == "`mysql`.`global_priv`" // each account is recorded below, with a note if it was unlocked
            || table.starts_with("`mysql`.`transaction_registry");
        let first = async |sql: String| -> Result<String> {
            Ok(pairs(session, Sql::verbatim(&sql)).await?.into_iter().next().map(|(_, text)| text).unwrap_or_default())
        };
        let sum = if counted { "-".to_owned() } else { first(format!("CHECKSUM TABLE {table}")).await? };
        let created = first(format!("SHOW CREATE TABLE {table}")).await?;
        // a busy table's counter moves with every row
        let created = if is_busy { without_counter(&created) } else { created };
        facts.insert(format!("table {table}"), format!("{sum} {created}"));
    }
    Ok(())
}

fn without_counter(created: &str) -> String {
    created.split(' ').filter(|word| !word.starts_with("AUTO_INCREMENT=")).collect::<Vec<_>>().join(" ")
}

async fn accounts(session: &Session, family: Family, facts: &mut BTreeMap<String, String>) -> Result<()> {
    let is_role = if family == Family::MariaDb { "is_role" } else { "'N'" }; // roles are accounts in MySQL
    let sql = format!("SELECT CONCAT(QUOTE(user), '@', QUOTE(host)), {is_role} FROM mysql.user");
    for (account, is_role) in pairs(session, Sql::verbatim(&sql)).await? {
        let name = if is_role == "Y" { account.split('@').next().unwrap_or_default() } else { &account };
        let grants = session.query(Sql::verbatim(format!("SHOW GRANTS FOR {name}")), LIMIT).await?;
        let created = match is_role.as_str() {
            "Y" => None,
            _ => Some(session.query(Sql::verbatim(format!("SHOW CREATE USER {name}")), LIMIT).await?), // whether it is locked, too
        };
        facts.insert(format!("account {account}"), format!("{grants:?} {created:?}"));
    }
    Ok(())
}

/// Names of all files; their contents are left out, because a server is at work there.
fn files(folder: &Path, depth: usize, facts: &mut BTreeMap<String, String>) -> Result<()> {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.map_err(|error| failed(folder, &error))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if OWN_WORK.iter().any(|own| name.starts_with(own)) {
            continue;
        }
        facts.insert(format!("file {}", path.display()), String::new());
        if path.is_dir() && depth > 1 {
            files(&path, depth - 1, facts)?;
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| failed(path, &error))
}

fn failed(path: &Path, error: &std::io::Error) -> Failure {
    Failure::permanent(format!("take the fingerprint of {}", path.display()), error.to_string())
}

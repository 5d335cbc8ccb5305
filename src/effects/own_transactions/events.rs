//! Events of a binary log, put together to the transactions that the server has written itself. Pure.

use super::{SHOWN, statement};
use crate::playbook::position::Position;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// Names of one transaction that are kept: a load of a thousand tables is not listed.
const NAMES: usize = 5;

/// One event as `SHOW BINLOG EVENTS` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LogEvent<'a> {
    /// Where it begins.
    pub pos: &'a str,
    /// Its type.
    pub kind: &'a str,
    /// The server that it comes from.
    pub server_id: u32,
    /// What is in it.
    pub info: &'a str,
}

/// A transaction that a server has written itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OwnTransaction {
    /// Where it begins in the server's log.
    pub position: Position,
    /// Its GTID, where it has one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub gtid: Option<String>,
    /// What it does, without values: `INSERT shop.orders`.
    pub what: Vec<String>,
    /// Whether it changes no rows.
    pub harmless: bool,
}

impl fmt::Display for OwnTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.what.is_empty() { "empty".to_owned() } else { self.what.join(", ") };
        write!(f, "{what} at {}", self.position)?;
        self.gtid.iter().try_for_each(|gtid| write!(f, ", GTID {gtid}"))
    }
}

/// Takes events in, in the order of the log.
#[derive(Debug, Clone, Default)]
pub(super) struct Gatherer {
    /// Transactions that are complete, and those among them that change no rows.
    pub count: u64,
    pub harmless: u64,
    /// The first ones that are worth showing.
    pub shown: Vec<OwnTransaction>,
    open: Option<OwnTransaction>,
    table: Option<String>,
}

impl Gatherer {
    /// The next event of `file`. `own` are the numbers that the server has written under.
    pub fn take(&mut self, own: &BTreeSet<u32>, file: &str, event: LogEvent<'_>) {
        if is_about_the_file(event.kind) {
            return;
        }
        if !own.contains(&event.server_id) {
            return self.end();
        }
        if event.kind.starts_with("Gtid") || event.kind == "Anonymous_Gtid" {
            self.end();
            self.begin(file, event.pos).gtid = gtid(event.info);
            return;
        }
        match event.kind {
            "Query" => self.statement(file, event),
            "Xid" | "XA_prepare" => self.end(),
            "Table_map" => self.table = table(event.info),
            // texts of statements that follow as rows, and values for the next statement
            "Annotate_rows" | "Rows_query" | "Intvar" | "User var" | "RAND" | "Append_block" | "Ignorable" => {}
            kind => {
                let what = match (rows(kind), &self.table) {
                    (Some(word), Some(table)) => format!("{word} {table}"),
                    (Some(word), None) => word.to_owned(),
                    (None, _) => format!("an event of type {kind}"),
                };
                self.add(file, event.pos, what, false);
            }
        }
    }

    /// Nothing follows: what is open stands whole in the log.
    pub fn end(&mut self) {
        self.table = None;
        let Some(done) = self.open.take() else { return };
        self.count += 1;
        let harmless = done.harmless;
        self.harmless += u64::from(harmless);
        if self.shown.len() < SHOWN {
            self.shown.push(done);
        } else if !harmless && let Some(place) = self.shown.iter_mut().rfind(|shown| shown.harmless) {
            *place = done; // what has changed rows is worth more than what has not
        }
    }

    fn statement(&mut self, file: &str, event: LogEvent<'_>) {
        let (_, text) = statement::parts(event.info);
        match text.to_ascii_uppercase().as_str() {
            "BEGIN" if self.open.as_ref().is_none_or(|open| !open.what.is_empty()) => {
                self.end();
                self.begin(file, event.pos);
            }
            "BEGIN" => {}
            "COMMIT" | "ROLLBACK" => self.end(),
            _ => self.add(file, event.pos, statement::name(event.info), statement::is_harmless(text)),
        }
    }

    fn begin(&mut self, file: &str, pos: &str) -> &mut OwnTransaction {
        let position = Position::new(file, pos);
        self.open.insert(OwnTransaction { position, gtid: None, what: Vec::new(), harmless: true })
    }

    fn add(&mut self, file: &str, pos: &str, what: String, harmless: bool) {
        if self.open.is_none() {
            self.begin(file, pos);
        }
        let Some(open) = &mut self.open else { return };
        open.harmless &= harmless;
        if open.what.len() < NAMES && !open.what.contains(&what) {
            open.what.push(what);
        }
    }
}

/// Events that a server writes about the file itself, with its own number, at any time.
fn is_about_the_file(kind: &str) -> bool {
    let kinds = [
        "Format_desc",
        "Previous_gtids",
        "Gtid_list",
        "Binlog_checkpoint",
        "Rotate",
        "Stop",
        "Start_encryption",
        "Heartbeat",
    ];
    kinds.contains(&kind)
}

fn rows(kind: &str) -> Option<&'static str> {
    let words = [("Write_rows", "INSERT"), ("Update_rows", "UPDATE"), ("Delete_rows", "DELETE")];
    words.into_iter().find(|(begin, _)| kind.starts_with(begin)).map(|(_, word)| word)
}

/// `BEGIN GTID 0-7-3`, `GTID 0-7-4 trans`, `SET @@SESSION.GTID_NEXT= 'uuid:1'`
fn gtid(info: &str) -> Option<String> {
    let quoted = info.split('\'').nth(1);
    let bare = || info.split_once("GTID ")?.1.split_whitespace().next();
    quoted.or_else(bare).filter(|gtid| *gtid != "ANONYMOUS").map(str::to_owned)
}

/// `table_id: 18 (a.t)`
fn table(info: &str) -> Option<String> {
    let name = info.split_once('(')?.1.strip_suffix(')')?;
    Some(name.chars().filter(|c| !c.is_control()).take(160).collect())
}

#[cfg(test)]
mod tests {
    use super::{Gatherer, LogEvent};
    use crate::effects::own_transactions::SHOWN;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn gather(own: u32, log: &[(&str, u32, &str)]) -> Gatherer {
        let (own, mut gatherer) = (BTreeSet::from([own]), Gatherer::default());
        for (at, (kind, server_id, info)) in log.iter().enumerate() {
            gatherer.take(&own, "b.1", LogEvent { pos: &at.to_string(), kind, server_id: *server_id, info });
        }
        gatherer.end();
        gatherer
    }

    fn words(gatherer: &Gatherer) -> Vec<String> {
        gatherer.shown.iter().map(ToString::to_string).collect()
    }

    /// As `MariaDB` 10.11 printed it.
    #[test]
    fn reads_what_mariadb_wrote() {
        let found = gather(
            7,
            &[
                ("Format_desc", 7, "Server ver: 10.11.19-MariaDB-log, Binlog ver: 4"),
                ("Gtid_list", 7, "[0-7-2]"),
                ("Binlog_checkpoint", 7, "binlog.000001"),
                ("Gtid", 7, "BEGIN GTID 0-7-3"),
                ("Annotate_rows", 7, "insert into t values (1,'x')"),
                ("Table_map", 7, "table_id: 18 (a.t)"),
                ("Write_rows_v1", 7, "table_id: 18 flags: STMT_END_F"),
                ("Xid", 7, "COMMIT /* xid=5 */"),
                ("Gtid", 7, "GTID 0-7-4"),
                ("Query", 7, "use `a`; flush privileges"),
                ("Gtid", 99, "BEGIN GTID 0-99-7"),
                ("Table_map", 99, "table_id: 18 (a.t)"),
                ("Delete_rows_v1", 99, "table_id: 18 flags: STMT_END_F"),
                ("Xid", 99, "COMMIT /* xid=10 */"),
                ("Gtid", 7, "GTID 0-7-11"),
                ("Query", 7, "use `a`; create user foo identified by 'geheim'"),
                ("Rotate", 7, "binlog.000002;pos=4"),
            ],
        );
        assert_eq!((found.count, found.harmless), (3, 1));
        let told = words(&found);
        assert_eq!(told[0], "INSERT a.t at b.1:3, GTID 0-7-3");
        assert_eq!(told[1], "flush privileges in a at b.1:8, GTID 0-7-4");
        assert_eq!(told[2], "create user foo identified in a at b.1:14, GTID 0-7-11");
    }

    /// As `MySQL` 9.7 printed it.
    #[test]
    fn reads_what_mysql_wrote() {
        let uuid = "17427d3d-eb5a-11f1-a174-02fc00000001";
        let tagged = format!("SET @@SESSION.GTID_NEXT= '{uuid}:tagx:2'");
        let found = gather(
            8,
            &[
                ("Previous_gtids", 8, ""),
                ("Gtid_tagged_log_event", 8, &tagged),
                ("Query", 8, "BEGIN"),
                ("Rows_query", 8, "# delete from t"),
                ("Table_map", 8, "table_id: 106 (a.t)"),
                ("Delete_rows", 8, "table_id: 106 flags: STMT_END_F"),
                ("Xid", 8, "COMMIT /* xid=13 */"),
                ("Anonymous_Gtid", 8, "SET @@SESSION.GTID_NEXT= 'ANONYMOUS'"),
                ("Query", 8, "use `a`; analyze table t"),
                ("Stop", 8, ""),
            ],
        );
        assert_eq!((found.count, found.harmless), (2, 1));
        assert_eq!(words(&found)[0], format!("DELETE a.t at b.1:1, GTID {uuid}:tagx:2"));
        assert_eq!(words(&found)[1], "analyze table t in a at b.1:7");
    }

    #[test]
    fn a_log_without_gtids_and_events_of_tomorrow_are_read_too() {
        let found = gather(
            1,
            &[
                ("Query", 1, "BEGIN"),
                ("Query", 1, "use `a`; insert into t values (4,'s')"),
                ("Query", 1, "COMMIT"),
                ("Query", 1, "drop table t"),
                ("Query", 1, "BEGIN"),
                ("Quantum_rows", 1, "?"),
                ("Xid", 1, ""),
            ],
        );
        assert_eq!((found.count, found.harmless), (3, 0), "{:?}", words(&found));
    }

    proptest! {
        #[test]
        fn what_was_applied_is_never_taken_for_own(servers in prop::collection::vec(1..5_u32, 0..60)) {
            let log: Vec<_> = servers.iter().flat_map(|&id| [
                ("Gtid", id, "BEGIN GTID 0-1-1"), ("Table_map", id, "table_id: 1 (a.b)"),
                ("Write_rows_v1", id, ""), ("Xid", id, ""),
            ]).collect();
            let (found, own) = (gather(3, &log), servers.iter().filter(|id| **id == 3).count());
            prop_assert_eq!((found.count, found.harmless), (own as u64, 0));
            prop_assert_eq!(found.shown.len(), own.min(SHOWN));
        }

        #[test]
        fn any_text_is_read(kind in "\\PC{0,12}", info in "\\PC{0,40}") {
            let found = gather(1, &[(&kind, 1, &info)]);
            prop_assert!(found.count <= 1);
        }
    }
}

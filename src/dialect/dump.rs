//! Names and flags of the client programs.

use super::Dialect;
use crate::contents;
use crate::domain::contents::option_value;
use crate::domain::{Contents, Sql};
use crate::sql;

/// The line of any client's option file that names the authorities it believes.
#[must_use]
pub fn client_ca(ca: &str) -> Contents {
    contents!("ssl-ca = \"{}\"\n", option_value(ca))
}

/// Whether a dump notes the GTID set that it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gtid {
    /// It does not.
    Off,
    /// It does, or the dump fails.
    Required,
    /// It does where the server has one and the program can note it as a comment.
    IfCommented,
}

impl Dialect {
    /// Names of the dump program of the server's own family, the usual one first.
    #[must_use]
    pub fn dump_programs(self) -> &'static [&'static str] {
        if self.is_mariadb() { &["mariadb-dump", "mysqldump"] } else { &["mysqldump"] }
    }

    /// Names of the command-line client, those of the server's own family first.
    #[must_use]
    pub fn client_programs(self) -> &'static [&'static str] {
        if self.is_mariadb() { &["mariadb", "mysql"] } else { &["mysql", "mariadb"] }
    }

    /// The server program's own names, the usual one first.
    #[must_use]
    pub fn server_programs(self) -> &'static [&'static str] {
        if self.is_mariadb() { &["mariadbd", "mysqld"] } else { &["mysqld"] }
    }

    /// Flags for a dump that is consistent, does not block writers, and notes its binlog position as a comment.
    /// They are known to every release of the family's program.
    #[must_use]
    pub fn dump_flags(self) -> Vec<&'static str> {
        let mut flags = vec![
            "--single-transaction",
            "--quick",
            "--routines",
            "--triggers",
            "--events",
            "--hex-blob",
            "--default-character-set=utf8mb4",
            "--max-allowed-packet=1G",
        ];
        if self.is_mariadb() {
            // rows of a table whose default is a sequence cannot be loaded while that table alone is locked
            flags.extend(["--master-data=2", "--skip-add-locks"]);
        } else {
            flags.push("--no-tablespaces"); // else it needs the PROCESS privilege
        }
        flags
    }

    /// Flags that only some releases of the family's program know: the text that is looked for in its help, the flag
    /// then, and the flag otherwise (or none). `MariaDB` is asked for its GTID set in any case.
    #[must_use]
    pub fn dump_flags_by_program(self, gtid: Gtid) -> Vec<[&'static str; 3]> {
        if self.is_mariadb() {
            return vec![["--dump-history", "--dump-history", ""]];
        }
        let purged = match gtid {
            // else the import itself sets it, which needs a server without any
            Gtid::Required => ["COMMENTED", "--set-gtid-purged=COMMENTED", "--set-gtid-purged=ON"],
            Gtid::IfCommented => ["COMMENTED", "--set-gtid-purged=COMMENTED", "--set-gtid-purged=OFF"],
            // else the dump claims every transaction of the source
            Gtid::Off => ["--set-gtid-purged", "--set-gtid-purged=OFF", ""],
        };
        let mut flags = vec![["--source-data", "--source-data=2", "--master-data=2"], purged];
        if !self.mysql(8, 0, 0) {
            flags.push(["--column-statistics", "--skip-column-statistics", ""]); // such a server keeps none
        }
        flags
    }

    /// What the session of a dump program depends on, as one statement: the program states some settings itself, and
    /// takes the others as the server's global settings have them.
    #[must_use]
    pub fn dump_session(self) -> String {
        let mut settings = vec![
            "autocommit=1",
            "sql_select_limit=18446744073709551615",
            "sql_big_selects=1",
            "sql_quote_show_create=1",
            "sql_auto_is_null=0",
            "lock_wait_timeout=60", // what waits for a table lock keeps others waiting behind it
            "wait_timeout=28800",
            "net_write_timeout=3600", // a disk that is written to at the same time may stand still for long
            "net_read_timeout=3600",
        ];
        if self.is_mariadb() {
            settings.extend([
                "max_statement_time=0",
                "idle_transaction_timeout=0",
                "idle_readonly_transaction_timeout=0",
            ]);
            settings.extend(self.mariadb(10, 3, 3).then_some("system_versioning_asof=DEFAULT"));
        } else {
            settings.extend(self.mysql(5, 7, 8).then_some("max_execution_time=0"));
            settings.extend(self.mysql(8, 0, 30).then_some("show_gipk_in_create_table_and_information_schema=1"));
        }
        format!("SET SESSION {}", settings.join(", "))
    }

    /// Global settings that cut a dump short where its program cannot be given [`Dialect::dump_session`]: columns
    /// `name` and `value`, one row for each that is not as a dump needs it.
    #[must_use]
    pub fn settings_that_cut_dumps(self) -> Sql {
        let row = |name: &'static str, fine: &'static str| {
            sql!("SELECT '{}' AS name, @@GLOBAL.{} AS value FROM DUAL WHERE @@GLOBAL.{} <> {}", name, name, name, fine)
        };
        let mut rows = vec![row("sql_select_limit", "18446744073709551615"), row("sql_big_selects", "1")];
        rows.extend(self.mysql(5, 7, 8).then(|| row("max_execution_time", "0")));
        if self.is_mariadb() {
            let limits = ["max_statement_time", "idle_transaction_timeout", "idle_readonly_transaction_timeout"];
            rows.extend(limits.map(|name| row(name, "0")));
        }
        Sql::join(rows, " UNION ALL ")
    }

    /// Flags of the client that loads a dump.
    #[must_use]
    pub fn client_flags(self) -> Vec<&'static str> {
        // a dump is data: no word in it is a command for the client
        vec!["--batch", "--binary-mode", "--default-character-set=utf8mb4", "--max-allowed-packet=1G"]
    }

    /// Flags that only some releases of the client know: the option that its help names, and the flag then. They keep
    /// words within a dump from running a program or reading a file (`\\!` did, until `--binary-mode` came to stop it
    /// everywhere).
    #[must_use]
    pub fn client_flags_by_program(self) -> &'static [[&'static str; 2]] {
        &[
            ["--sandbox", "--sandbox"],
            ["--system-command", "--skip-system-command"],
            ["--local-infile", "--local-infile=0"],
        ]
    }
}

impl Dialect {
    /// Lines of the option file of the family's own client that make it encrypt, and verify the server's certificate by
    /// the file `ca`. Programs of `MariaDB` always check the name in it: they know no other way to insist on TLS.
    #[must_use]
    pub fn client_tls(self, ca: &str, by_name: bool) -> Contents {
        let verify = match by_name {
            _ if self.is_mariadb() => "ssl-verify-server-cert",
            true => "ssl-mode = VERIFY_IDENTITY",
            false => "ssl-mode = VERIFY_CA",
        };
        contents!("{}{}\n", client_ca(ca), verify)
    }
}

//! Names and flags of the client programs.

use super::Dialect;

/// First line of a newer `mariadb-dump` file; clients that do not know it stop there.
pub const SANDBOX_LINE: &str = "/*M!999999\\- enable the sandbox mode */";

impl Dialect {
    /// The dump program of the server's own family: another family's asks for statements the server has not.
    #[must_use]
    pub fn dump_program(self) -> &'static str {
        if self.is_mariadb() { "mariadb-dump" } else { "mysqldump" }
    }

    /// The command-line client of the server's own family.
    #[must_use]
    pub fn client_program(self) -> &'static str {
        if self.is_mariadb() { "mariadb" } else { "mysql" }
    }

    /// The other family's client, which talks to this server as well.
    #[must_use]
    pub fn other_client_program(self) -> &'static str {
        if self.is_mariadb() { "mysql" } else { "mariadb" }
    }

    /// The server program's own names, the usual one first.
    #[must_use]
    pub fn server_programs(self) -> &'static [&'static str] {
        if self.is_mariadb() { &["mariadbd", "mysqld"] } else { &["mysqld"] }
    }

    /// Flags for a dump that is consistent, does not block writers, and notes its place in the binary log as a
    /// comment, with `gtid` its GTID set too. The caller adds the option file in front and `--databases NAME...` at the end.
    #[must_use]
    pub fn dump_flags(self, gtid: bool) -> Vec<&'static str> {
        let coordinates = if self.mysql(8, 0, 26) { "--source-data=2" } else { "--master-data=2" };
        let mut flags = vec![
            "--single-transaction",
            "--quick",
            coordinates,
            "--routines",
            "--triggers",
            "--events",
            "--hex-blob",
            "--default-character-set=utf8mb4",
            "--max-allowed-packet=1G",
        ];
        if !self.is_mariadb() {
            flags.push(match gtid {
                false => "--set-gtid-purged=OFF", // else the dump claims every transaction of the source for itself
                true if self.mysql(8, 0, 17) => "--set-gtid-purged=COMMENTED",
                true => "--set-gtid-purged=ON", // the import itself sets it, which needs a server without any
            });
            flags.push("--no-tablespaces"); // else it needs the PROCESS privilege
        }
        flags
    }

    /// Flags of the client that loads a dump.
    #[must_use]
    pub fn client_flags(self) -> Vec<&'static str> {
        vec!["--batch", "--default-character-set=utf8mb4", "--max-allowed-packet=1G"]
    }
}

impl Dialect {
    /// Lines of a client's option file that make it encrypt, and verify the server's certificate by the file `ca`.
    #[must_use]
    pub fn client_tls(self, ca: &str) -> String {
        let verify = if self.is_mariadb() { "ssl-verify-server-cert" } else { "ssl-mode = VERIFY_IDENTITY" };
        format!("ssl-ca = {ca}\n{verify}\n")
    }
}

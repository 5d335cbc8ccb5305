//! What a server needs before it starts for the first time: its own tables, and the accounts of the sandbox.

use super::{Server, is_root, process};
use crate::playbook::product::Family;
use std::path::Path;
use tokio::process::Command;

/// Fills a server's data directory: `root` comes in by the socket without a password.
pub async fn data_dir(server: &Server) -> Result<(), String> {
    match server.family() {
        Family::MariaDb => mariadb(server).await,
        Family::MySql => mysql(server).await,
    }
}

async fn mariadb(server: &Server) -> Result<(), String> {
    let program = &server.program().server;
    let installer = server.program().installer.as_ref().ok_or("mariadb-install-db is nowhere to be found")?;
    let mut command = Command::new(installer);
    // A server that starts removes what others have in a shared folder for temporary files.
    command.env("TMPDIR", server.dir());
    command.arg("--no-defaults").arg(format!("--datadir={}", server.data_dir().display()));
    command.args(["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"]);
    if is_root() {
        command.arg("--user=root");
    }
    // A server unpacked somewhere has its tables' definitions there too.
    if let Some(base) = program.parent().and_then(Path::parent)
        && base != Path::new("/usr")
        && base != Path::new("/")
    {
        command.arg(format!("--basedir={}", base.display()));
    }
    process::run(&mut command).await
}

async fn mysql(server: &Server) -> Result<(), String> {
    let mut command = Command::new(&server.program().server);
    command.env("TMPDIR", server.dir());
    command.args(["--no-defaults", "--initialize-insecure"]);
    command.arg(format!("--datadir={}", server.data_dir().display()));
    if is_root() {
        command.arg("--user=root");
    }
    process::run(&mut command).await
}

/// Nobody but root on the socket and the account `migrate`. Not in the binary log: accounts of the sandbox are not
/// part of what is moved.
pub fn accounts(family: Family, password: &str) -> String {
    let account = format!("'{}'@'127.0.0.1'", Server::ACCOUNT);
    let password = password.replace('\\', "\\\\").replace('\'', "''");
    let others = match family {
        Family::MariaDb => {
            "DELETE FROM mysql.global_priv WHERE User = '' OR (User = 'root' AND Host <> 'localhost');\n\
             FLUSH PRIVILEGES;\n"
        }
        Family::MySql => "", // --initialize-insecure makes root@localhost alone
    };
    // the tables may be a copy of another server's, with its account
    format!(
        "SET SESSION sql_log_bin = 0;\n{others}DROP USER IF EXISTS {account};\nCREATE USER {account} IDENTIFIED BY '{password}';\n\
         GRANT ALL PRIVILEGES ON *.* TO {account} WITH GRANT OPTION;\n"
    )
}

//! What a server needs before it starts for the first time: its own tables, and the accounts of the sandbox.

use super::program::Program;
use super::{Server, is_root, process};
use crate::domain::product::Family;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// Fills a server's data directory: `root` comes in by the socket without a password.
///
/// A program's first tables are the same each time, so they are made once and kept in the user's cache folder; what
/// belongs to one server alone is left out of it. Where that folder cannot be had, they are made in place.
///
/// # Errors
/// What the installer complained of.
pub async fn data_dir(program: &Program, data: &Path) -> Result<(), String> {
    let Some(kept) = kept_tables(program) else { return make(program, data).await };
    if !kept.exists() {
        keep(program, &kept).await?;
    }
    let mut copy = Command::new("cp");
    copy.args(["-a", "--reflink=auto", "--no-target-directory", "--"]).arg(&kept).arg(data);
    if process::run(&mut copy).await.is_ok() {
        return Ok(());
    }
    std::fs::remove_dir_all(data).map_err(|error| format!("{}: {error}", data.display()))?;
    make(program, data).await
}

/// Where they are kept: another program, or the same one renewed, has another folder.
fn kept_tables(program: &Program) -> Option<PathBuf> {
    let about = std::fs::metadata(&program.server).ok()?;
    let known = (&program.server, about.len(), about.modified().ok()?, is_root());
    let mut hasher = DefaultHasher::new();
    known.hash(&mut hasher);
    let family = if program.product.family == Family::MariaDb { "mariadb" } else { "mysql" };
    let folder = super::program::cache()?.join("data");
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).ok()?;
    let owner = std::fs::symlink_metadata(&folder).ok()?;
    let is_ours = owner.is_dir() && owner.uid() == rustix::process::geteuid().as_raw();
    is_ours.then(|| folder.join(format!("{family}-{:016x}", hasher.finish())))
}

/// Makes them beside their place and moves them there in one instant: the second process finds them, or moves nothing.
async fn keep(program: &Program, kept: &Path) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", kept.display());
    let beside =
        tempfile::Builder::new().prefix("making-").tempdir_in(kept.parent().unwrap_or(kept)).map_err(failed)?;
    let data = beside.path().join("data");
    make(program, &data).await?;
    let _ = std::fs::remove_file(data.join("auto.cnf")); // a server's own number; MariaDB has no such file
    match std::fs::rename(&data, kept) {
        Err(_) if kept.exists() => Ok(()),
        moved => moved.map_err(failed),
    }
}

async fn make(program: &Program, data: &Path) -> Result<(), String> {
    match program.product.family {
        Family::MariaDb => mariadb(program, data).await,
        Family::MySql => mysql(program, data).await,
    }
}

async fn mariadb(program: &Program, data: &Path) -> Result<(), String> {
    let installer = program.installer.as_ref().ok_or("mariadb-install-db is not installed")?;
    let mut command = Command::new(installer);
    // A server that starts removes what others have in a shared folder for temporary files.
    command.env("TMPDIR", data.parent().unwrap_or(data));
    command.arg("--no-defaults").arg(format!("--datadir={}", data.display()));
    command.args(["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"]);
    if is_root() {
        command.arg("--user=root");
    }
    // A server unpacked somewhere has its tables' definitions there too.
    command.args(program.base().map(|base| format!("--basedir={}", base.display())));
    process::run(&mut command).await
}

async fn mysql(program: &Program, data: &Path) -> Result<(), String> {
    let mut command = Command::new(&program.server);
    command.env("TMPDIR", data.parent().unwrap_or(data));
    command.args(["--no-defaults", "--initialize-insecure"]);
    command.args(program.base().map(|base| format!("--basedir={}", base.display())));
    command.arg(format!("--datadir={}", data.display()));
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

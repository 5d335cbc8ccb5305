//! Passwords of a shared store, where PostgreSQL's own programs look for them: `PGPASSWORD`, or the file named by
//! `PGPASSFILE`, by default `~/.pgpass` (PostgreSQL's manual, "The Password File").

use crate::error::{Failure, Result};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The password for a login, if there is one.
///
/// # Errors
/// When the file cannot be read, or is readable for others than its owner.
pub(super) fn password(host: &str, port: u16, database: &str, user: &str) -> Result<Option<String>> {
    if let Some(password) = std::env::var("PGPASSWORD").ok().filter(|password| !password.is_empty()) {
        return Ok(Some(password));
    }
    let named = std::env::var_os("PGPASSFILE").filter(|file| !file.is_empty()).map(PathBuf::from);
    let file = named.clone().or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".pgpass")));
    let Some(file) = file.filter(|file| file.is_file() || named.is_some() && !file.exists()) else { return Ok(None) };
    let failed = |answer: String, help: &str| {
        Failure::refused("read the file of passwords", answer).at(file.display().to_string()).help(help)
    };
    let text = read(&file).map_err(|answer| {
        failed(answer, "PGPASSFILE names this file; check that it exists and that only its owner can read it")
    })?;
    // a socket's folder is `localhost` in the file
    let host = if host.starts_with('/') { "localhost" } else { host };
    Ok(find(&text, [host, &port.to_string(), database, user]))
}

fn read(file: &Path) -> Result<String, String> {
    let mode = file.metadata().map_err(|error| error.to_string())?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(format!("its mode is {:o}, so that others can read it", mode & 0o777));
    }
    std::fs::read_to_string(file).map_err(|error| error.to_string())
}

/// The password of the first line whose fields fit: `host:port:database:user:password`, `*` for any, `\` before `:` and `\`.
fn find(text: &str, login: [&str; 4]) -> Option<String> {
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let mut fields = fields(line).into_iter();
        let fits = login.iter().all(|wanted| fields.next().is_some_and(|field| field == "*" || field == *wanted));
        fields.next().filter(|_| fits)
    })
}

fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut signs = line.chars();
    while let Some(sign) = signs.next() {
        if sign == ':' && fields.len() < 5 {
            fields.push(String::new());
            continue;
        }
        let sign = if sign == '\\' { signs.next().unwrap_or('\\') } else { sign };
        if let Some(field) = fields.last_mut() {
            field.push(sign);
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn the_first_line_that_fits() {
        let text = "# db1:5432:*:c:no\ndb1:5432:x:c:other\ndb1:*:*:c:with\\:sign:and\\\\more\n*:*:*:*:last\nshort:1";
        let found = |host, user| find(text, [host, "5432", "c", user]);
        assert_eq!(found("db1", "c").as_deref(), Some("with:sign:and\\more"));
        assert_eq!(found("db2", "d").as_deref(), Some("last"));
        assert_eq!(find("db1:1:a:b:c", ["db1", "2", "a", "b"]), None);
    }
}

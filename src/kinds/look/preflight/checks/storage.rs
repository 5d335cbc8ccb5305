//! Tables that lie or are kept in a way that the target cannot repeat: encrypted, in a shared tablespace, in a folder of
//! their own. Their `CREATE TABLE` fails there, after the dump.

use super::super::ask::Ask;
use super::super::check::{Check, Occasion};
use super::super::pair::{Side, Source, Target};
use super::super::seen::Seen;
use super::super::verdict::{Verdict, some};
use crate::error::Result;

pub const CHECK: Check = Check::blocking("storage", judge).only_before(Occasion::Copy).reads(&AT_REST).asks(|pair| {
    let tables = Ask::sql(Source, pair.source.dialect.special_storage(pair.databases));
    vec![tables, Ask::sql(Target, pair.target.dialect.key_keepers())]
});

/// What a server encrypts by itself.
const AT_REST: [&str; 8] = [
    "innodb_encrypt_tables",
    "innodb_encrypt_log",
    "encrypt_binlog",
    "encrypt_tmp_files",
    "default_table_encryption",
    "innodb_redo_log_encrypt",
    "binlog_encryption",
    "table_encryption_privilege_check",
];

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let (mut encrypted, mut shared, mut apart) = (Vec::new(), Vec::new(), Vec::new());
    let rows = seen.rows(Source, seen.pair.source.dialect.special_storage(seen.pair.databases))?;
    for row in rows.iter() {
        let (name, options) = (row.get("name").unwrap_or_default(), row.get("options").unwrap_or_default());
        match options.to_uppercase() {
            options if options.starts_with("TABLESPACE ") => shared.push(format!("{name} ({options})")),
            options if options.contains("DIRECTORY") => apart.push(name.to_owned()),
            options if says_no(&options) => {}
            _ => encrypted.push(name.to_owned()),
        }
    }
    let mut found = Vec::new();
    if !encrypted.is_empty() && seen.count(Target, seen.pair.target.dialect.key_keepers())? == 0 {
        let evidence = format!("encrypted, but the target has no key management: {}", some(&encrypted));
        let remedy = "load a key management plugin or keyring component on the target, or decrypt these tables first";
        found.push(Verdict::block(evidence, remedy));
    }
    if !shared.is_empty() {
        let evidence = format!("a dump does not create the tablespaces of {}", some(&shared));
        let remedy = "run ALTER TABLE ... TABLESPACE innodb_file_per_table on the source";
        found.push(Verdict::block(evidence, remedy));
    }
    if !apart.is_empty() {
        let evidence = format!("these tables are in folders of their own (DATA DIRECTORY): {}", some(&apart));
        let remedy = "create the same folders for the target server (MySQL: in `innodb_directories`), then allow this \
                      check; or rebuild the tables without DATA DIRECTORY";
        found.push(Verdict::block(evidence, remedy));
    }
    found.extend(at_rest(seen));
    Ok(Verdict::worst_of(found, "no table needs an encryption key, a tablespace or a folder that the target lacks"))
}

/// What the source keeps encrypted and the target would not.
fn at_rest(seen: &Seen<'_>) -> Option<Verdict> {
    let on = |side: Side, name: &str| seen.is_on(side, name) || seen.variable(side, name).eq_ignore_ascii_case("FORCE");
    let open: Vec<&str> =
        AT_REST.into_iter().filter(|name| on(Source, name) && !on(Target, name) && !seen.will_be_set(name)).collect();
    let evidence = format!("only the source encrypts: {} is on there, but off on the target", some(&open));
    let remedy = "set it on the target before the import, if data at rest must be encrypted";
    (!open.is_empty()).then(|| Verdict::warn(evidence, remedy))
}

/// `` `ENCRYPTED`=NO `` and `ENCRYPTION='N'`.
fn says_no(options: &str) -> bool {
    let bare: String = options.chars().filter(|letter| !"`'\" ".contains(*letter)).collect();
    !bare.contains("ENCRYPTED=YES") && !bare.contains("ENCRYPTION=Y")
}

#[cfg(test)]
mod tests {
    use super::says_no;

    #[test]
    fn what_is_not_encrypted_is_told_from_what_is() {
        assert!(says_no("`ENCRYPTED`=NO") && says_no("ENCRYPTION='N'") && says_no("ENCRYPTION_KEY_ID=1"));
        assert!(!says_no("`ENCRYPTED`='YES'") && !says_no("ENCRYPTION=\"Y\""));
    }
}

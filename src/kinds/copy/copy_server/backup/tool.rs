//! The programs that copy the files of a running server, and how they differ. Pure.

use crate::dialect::Dialect;
use crate::domain::product::{Family, Product};

/// A program that copies the files of a running server.
#[derive(Debug, PartialEq, Eq)]
pub struct Tool {
    /// As people know it, and as `engine` names it.
    pub name: &'static str,
    /// Family of the servers that it knows.
    pub family: Family,
    /// Its names on a host, the best first.
    pub programs: &'static str,
    /// What unpacks its stream.
    pub unpack: &'static str,
    /// What stands before the version of the servers that it is made for, in what it says of itself.
    pub version_after: &'static str,
    /// Lines for its option file: how it logs in on its own host, where nothing is verified.
    pub options: &'static str,
    /// Files of which one names the place of the backup in the binary log; the second name is that of newer versions.
    pub places: &'static [&'static str],
}

/// For `MariaDB`. The files were renamed in 11.1.
pub static MARIABACKUP: Tool = Tool {
    name: "mariabackup",
    family: Family::MariaDb,
    programs: "mariadb-backup mariabackup",
    unpack: "mbstream",
    version_after: "based on MariaDB server ",
    options: "skip-ssl-verify-server-cert\n",
    places: &["xtrabackup_binlog_info", "mariadb_backup_binlog_info"],
};

/// For `MySQL`. No binary of it can be had where this program is tested: what is here follows its documentation.
pub static XTRABACKUP: Tool = Tool {
    name: "xtrabackup",
    family: Family::MySql,
    programs: "xtrabackup",
    unpack: "xbstream",
    version_after: "based on MySQL server ",
    options: "get-server-public-key\n",
    places: &["xtrabackup_binlog_info"],
};

impl Tool {
    /// The series of servers that a program of it must be made for: `10.11.`; `8.0.` of `8.0.36`.
    #[must_use]
    pub fn series(source: Product) -> String {
        format!("{}.{}.", source.version.0, source.version.1)
    }

    /// Why it cannot copy `source` for `target`, by what they are.
    #[must_use]
    pub fn unfit(&self, source: Dialect, target: Dialect) -> Option<String> {
        let (source, target) = (source.product, target.product);
        let series = |product: Product| (product.family, product.version.0, product.version.1);
        if source.family != self.family {
            return Some(format!("it copies {}, but the source is {source}", self.family));
        }
        if series(source) != series(target) {
            return Some(format!(
                "it copies the files unchanged, but {target} is of another series than {source} and cannot use its \
                 files"
            ));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{MARIABACKUP, Tool, XTRABACKUP};
    use crate::dialect::Dialect;
    use crate::domain::product::Product;

    #[test]
    fn files_go_to_a_server_of_the_same_series_alone() {
        let is_fit = |tool: &Tool, from, to| {
            let [from, to] = [from, to].map(|text| Dialect::from(Product::from_version_text(text).unwrap()));
            tool.unfit(from, to).is_none()
        };
        for (tool, from, to, fits) in [
            (&MARIABACKUP, "10.11.4-MariaDB", "10.11.19-MariaDB", true),
            (&MARIABACKUP, "10.5.23-MariaDB", "10.11.19-MariaDB", false),
            (&MARIABACKUP, "8.0.36", "8.0.36", false),
            (&XTRABACKUP, "8.0.36", "8.0.40", true),
            (&XTRABACKUP, "8.0.36", "8.4.3", false),
            (&XTRABACKUP, "10.11.4-MariaDB", "10.11.19-MariaDB", false),
        ] {
            assert_eq!(is_fit(tool, from, to), fits, "{} {from} {to}", tool.name);
        }
    }
}

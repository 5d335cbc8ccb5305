//! Reading and setting system variables, and their names where these differ.

use super::Dialect;
use crate::domain::sql::{literal, setting};
use crate::domain::{Sql, Words};
use crate::sql;

impl Dialect {
    /// Values of those variables that exist: columns `Variable_name`, `Value`.
    #[must_use]
    pub fn show_variables<S: AsRef<str>>(self, names: &[S]) -> Sql {
        sql!("SHOW GLOBAL VARIABLES WHERE Variable_name IN ({})", literals(names))
    }

    /// Seconds since the server was started: columns `Variable_name`, `Value`.
    #[must_use]
    pub fn uptime(self) -> &'static str {
        "SHOW GLOBAL STATUS LIKE 'Uptime'"
    }

    /// One variable's global value.
    #[must_use]
    pub fn read_variable(self, name: &'static str) -> Sql {
        sql!("SELECT @@GLOBAL.{}", name)
    }

    /// Sets a variable for the whole server. A size such as `1G` becomes a number, which is all `SET` takes; the type of a
    /// value that is not known yet shows later.
    #[must_use]
    pub fn set_variable(self, name: impl Into<Sql>, value: impl Into<Words>) -> Sql {
        sql!("SET GLOBAL {} = {}", name.into(), value_of(value.into()))
    }

    /// Gives a variable the value that the program itself has for it: some take no empty text, which it may stand for.
    #[must_use]
    pub fn unset_variable(self, name: impl Into<Sql>) -> Sql {
        sql!("SET GLOBAL {} = DEFAULT", name.into())
    }

    /// Variables among `names` whose value in `mysqld-auto.cnf` would override the configuration file; `None` where
    /// there is no such file. Column `name`.
    #[must_use]
    pub fn persisted_variables<S: AsRef<str>>(self, names: &[S]) -> Option<Sql> {
        self.mysql(8, 0, 0).then(|| {
            sql!(
                "SELECT VARIABLE_NAME AS name FROM performance_schema.persisted_variables \
                 WHERE VARIABLE_NAME IN ({}) ORDER BY 1",
                literals(names)
            )
        })
    }

    /// Seconds without news from the source after which a replica reconnects.
    #[must_use]
    pub fn replica_net_timeout(self) -> &'static str {
        if self.mysql(8, 0, 26) { "replica_net_timeout" } else { "slave_net_timeout" }
    }

    /// Number of threads that apply changes in parallel.
    #[must_use]
    pub fn replica_workers(self) -> &'static str {
        match () {
            () if self.is_mariadb() => "slave_parallel_threads",
            () if self.mysql(8, 0, 26) => "replica_parallel_workers",
            () => "slave_parallel_workers",
        }
    }

    /// Milliseconds between the moments at which a parallel applier notes its position, where there is such a thing:
    /// a wait for a position answers up to that much late.
    #[must_use]
    pub fn checkpoint_period(self) -> Option<&'static str> {
        match () {
            () if self.is_mariadb() => None,
            () if self.mysql(8, 0, 26) => Some("replica_checkpoint_period"),
            () => Some("slave_checkpoint_period"),
        }
    }
}

/// Bytes or a plain whole number: `24G`, `512M`, `16384`, `-1`. `None` for anything else.
#[must_use]
pub fn amount(text: &str) -> Option<i128> {
    let (digits, shift) = match text.as_bytes().last()?.to_ascii_uppercase() {
        b'K' => (&text[..text.len() - 1], 10),
        b'M' => (&text[..text.len() - 1], 20),
        b'G' => (&text[..text.len() - 1], 30),
        b'T' => (&text[..text.len() - 1], 40),
        _ => (text, 0),
    };
    let plain = digits.strip_prefix('-').unwrap_or(digits);
    if plain.is_empty() || plain.len() > 20 || !plain.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse::<i128>().ok().map(|number| number << shift)
}

/// A value as `SET` takes it.
pub(super) fn value_of(value: Words) -> Sql {
    let amount = value.known().and_then(|text| amount(&text));
    amount.map_or_else(|| setting(value), |amount| setting(amount.to_string()))
}

/// String literals in a list, for `IN (...)`.
pub(super) fn literals<S: AsRef<str>>(texts: &[S]) -> Sql {
    Sql::join(texts.iter().map(|text| literal(text.as_ref())), ", ")
}

#[cfg(test)]
mod tests {
    use super::amount;

    #[test]
    fn amounts_are_read_as_the_server_reads_them() {
        let cases = [("24G", Some(24 << 30)), ("1536m", Some(1536 << 20)), ("-1", Some(-1)), ("2", Some(2))];
        for (text, value) in cases {
            assert_eq!(amount(text), value, "{text}");
        }
        for text in ["", "G", "ON", "1.5", "é", "ROW"] {
            assert_eq!(amount(text), None, "{text}");
        }
    }
}

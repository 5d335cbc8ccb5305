//! Statements about scheduled events.

use super::Dialect;
use crate::domain::sql::{account, literal, table};
use crate::domain::{Sql, Words};
use crate::sql;

impl Dialect {
    /// Every event: columns `db`, `name`, `definer` (`user@host`) and `status`. Events that came by replication are
    /// `SLAVESIDE_DISABLED` there, `REPLICA_SIDE_DISABLED` from `MySQL` 8.2 on (measured on 9.7: the latter).
    #[must_use]
    pub fn events(self) -> &'static str {
        "SELECT EVENT_SCHEMA AS db, EVENT_NAME AS name, DEFINER AS definer, STATUS AS status \
         FROM information_schema.EVENTS ORDER BY EVENT_SCHEMA, EVENT_NAME"
    }

    /// Gives an event the status that [`Dialect::events`] shows. The definer is stated, because a plain `ALTER EVENT`
    /// makes the sender the definer (measured on `MariaDB` 10.11 and `MySQL` 9.7).
    #[must_use]
    pub fn set_event_status(self, definer: &Sql, db: impl Into<Words>, name: impl Into<Words>, status: &str) -> Sql {
        let word = match status {
            "ENABLED" => "ENABLE",
            "DISABLED" => "DISABLE",
            _ if self.mysql(8, 2, 0) => "DISABLE ON REPLICA",
            _ => "DISABLE ON SLAVE",
        };
        sql!("ALTER DEFINER = {} EVENT {} {}", definer, table(db, name), word)
    }

    /// `user@host` as it stands in a statement. A role has no host; a user's name may hold an `@`.
    #[must_use]
    pub fn definer(text: &str) -> Sql {
        let known = match text.rsplit_once('@') {
            Some((user, "")) => literal(user),
            Some((user, host)) => account(user, host),
            None => literal(text),
        };
        Sql::found(DEFINER, &known)
    }

    /// The same of one that only the run will know.
    #[must_use]
    pub fn some_definer() -> Sql {
        Sql::late(DEFINER)
    }
}

/// What a definer is called in a plan; a user's and a role's do not have the same shape.
const DEFINER: &str = "its definer";

#[cfg(test)]
mod tests {
    use crate::dialect::Dialect;
    use crate::domain::product::{Family, Product, Version};

    #[test]
    fn a_status_is_set_and_the_definer_stays() {
        let mariadb = Dialect::from(Product::default());
        let text = mariadb.set_event_status(&Dialect::definer("a@b@127.0.0.1"), "shop", "n`1", "ENABLED");
        assert_eq!(text.to_string(), "ALTER DEFINER = 'a@b'@'127.0.0.1' EVENT `shop`.`n``1` ENABLE");
        let text = mariadb.set_event_status(&Dialect::definer("keeper@"), "shop", "n", "SLAVESIDE_DISABLED");
        assert_eq!(text.to_string(), "ALTER DEFINER = 'keeper' EVENT `shop`.`n` DISABLE ON SLAVE");
        let mysql = Dialect::from(Product { family: Family::MySql, version: Version(9, 7, 0) });
        let text = mysql.set_event_status(&Dialect::definer("a@%"), "shop", "n", "REPLICA_SIDE_DISABLED");
        assert_eq!(text.to_string(), "ALTER DEFINER = 'a'@'%' EVENT `shop`.`n` DISABLE ON REPLICA");
        assert!(
            mysql
                .set_event_status(&Dialect::definer("a@%"), "shop", "n", "DISABLED")
                .to_string()
                .ends_with("`n` DISABLE")
        );
    }
}

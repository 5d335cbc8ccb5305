//! What a piece of work may send: what its plan states, and nothing else.

use super::Sql;
use std::collections::HashMap;

/// What a step states in its plan, as a list of what may be sent for it.
#[derive(Debug, Default)]
pub struct Permits {
    /// Statements by server.
    statements: HashMap<String, Vec<Sql>>,
}

impl Permits {
    /// Statements, each with the server that it is for.
    #[must_use]
    pub fn new<'a>(statements: impl IntoIterator<Item = (&'a str, &'a Sql)>) -> Self {
        let mut permits = Self::default();
        for (server, statement) in statements {
            let known = permits.statements.entry(server.to_owned()).or_default();
            if !known.contains(statement) {
                known.push(statement.clone());
            }
        }
        permits
    }

    /// Whether `statement` may be sent to `server`.
    #[must_use]
    pub fn allow(&self, server: &str, statement: &Sql) -> bool {
        let planned = self.statements.get(server).into_iter().flatten();
        planned.into_iter().any(|planned| planned.text().admits(statement.text()))
    }
}

#[cfg(test)]
mod tests {
    use super::Permits;
    use crate::domain::sql::identifier;
    use crate::domain::{Sql, Words};
    use crate::sql;

    #[test]
    fn what_is_not_stated_for_a_server_is_not_sent_to_it() {
        let drop = |name: Words| sql!("DROP DATABASE {}", identifier(name));
        let (late, ping) = (drop(Words::late("each")), Sql::from("SELECT 1"));
        let permits = Permits::new([("target", &late), ("source", &ping)]);
        assert!(permits.allow("target", &drop("shop".into())) && permits.allow("source", &ping));
        assert!(!permits.allow("source", &drop("shop".into())) && !permits.allow("other", &ping));
    }
}

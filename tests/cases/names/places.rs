//! Where a name can stand on a server, and what a server answers about what is called so.

use crate::lab::{Lab, Side};

/// A thing that has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    Database,
    Table,
    Column,
    User,
    View,
    Trigger,
    Event,
    Routine,
}

pub const PLACES: [Place; 8] = [
    Place::Database,
    Place::Table,
    Place::Column,
    Place::User,
    Place::View,
    Place::Trigger,
    Place::Event,
    Place::Routine,
];

/// One that the old server has made.
#[derive(Debug, Clone)]
pub struct Made {
    pub place: Place,
    /// Number of its name.
    pub number: usize,
    pub name: String,
    /// The database that it stands in.
    pub database: String,
}

pub fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

pub fn literal(name: &str) -> String {
    format!("'{}'", name.replace('\\', "\\\\").replace('\'', "''"))
}

/// What an account with this number logs in with.
pub fn password(number: usize) -> String {
    format!("pass-word-{number}")
}

impl Made {
    /// Makes it, if the server takes the name there.
    pub fn make(place: Place, number: usize, name: &str, database: &str) -> Self {
        Self { place, number, name: name.to_owned(), database: database.to_owned() }
    }

    fn account(&self) -> String {
        format!("{}@'localhost'", literal(&self.name))
    }

    /// The statement that takes an account away.
    pub fn drop_user(&self) -> String {
        format!("DROP USER {}", self.account())
    }

    /// Statements that make it on the old server.
    pub fn statements(&self) -> String {
        let (name, value, database) = (identifier(&self.name), literal(&self.name), identifier(&self.database));
        let beside = format!("{database}.t{}", self.number);
        match self.place {
            Place::Database => format!(
                "CREATE DATABASE {name}; CREATE TABLE {name}.t (id INT PRIMARY KEY, v VARCHAR(80)) CHARACTER SET utf8mb4; \
                 INSERT INTO {name}.t VALUES (1, {value}), (2, 'two')"
            ),
            Place::Table => format!(
                "CREATE TABLE {database}.{name} (id INT PRIMARY KEY, v VARCHAR(80)) CHARACTER SET utf8mb4; \
                 INSERT INTO {database}.{name} VALUES (1, {value}), (2, 'two')"
            ),
            Place::Column => format!(
                "CREATE TABLE {beside} (id INT PRIMARY KEY, {name} VARCHAR(80)) CHARACTER SET utf8mb4; \
                 INSERT INTO {beside} VALUES (1, {value})"
            ),
            Place::User => {
                let (account, password) = (self.account(), password(self.number));
                format!("CREATE USER {account} IDENTIFIED BY '{password}'; GRANT SELECT ON {database}.* TO {account}")
            }
            Place::View => format!("CREATE VIEW {database}.{name} AS SELECT {value} AS v"),
            Place::Trigger => format!(
                "CREATE TABLE {beside}g (id INT PRIMARY KEY, v VARCHAR(80)) CHARACTER SET utf8mb4; CREATE TRIGGER {database}.{name} \
                 BEFORE INSERT ON {beside}g FOR EACH ROW SET NEW.v = {value}; INSERT INTO {beside}g VALUES (1, '')"
            ),
            Place::Event => format!("CREATE EVENT {database}.{name} ON SCHEDULE EVERY 1 DAY DO SET @x = {value}"),
            Place::Routine => format!("CREATE PROCEDURE {database}.{name}() SELECT {value}"),
        }
    }

    /// Statements whose answers must be the same on both servers.
    pub fn questions(&self) -> String {
        let (name, value) = (identifier(&self.name), literal(&self.name));
        let (database, within) = (identifier(&self.database), literal(&self.database));
        let beside = format!("{database}.t{}", self.number);
        match self.place {
            Place::Database => {
                format!("SHOW CREATE DATABASE {name}; SHOW CREATE TABLE {name}.t; SELECT * FROM {name}.t")
            }
            Place::Table => format!("SHOW CREATE TABLE {database}.{name}; SELECT * FROM {database}.{name}"),
            Place::Column => format!("SHOW CREATE TABLE {beside}; SELECT * FROM {beside}"),
            Place::User => format!("SHOW CREATE USER {0}; SHOW GRANTS FOR {0}", self.account()),
            Place::View => format!("SHOW CREATE VIEW {database}.{name}; SELECT * FROM {database}.{name}"),
            Place::Trigger => format!(
                "SELECT EVENT_OBJECT_TABLE, ACTION_STATEMENT, DEFINER FROM information_schema.TRIGGERS \
                 WHERE TRIGGER_SCHEMA = BINARY {within} AND TRIGGER_NAME = BINARY {value}; SELECT * FROM {beside}g"
            ),
            Place::Event => format!(
                "SELECT EVENT_DEFINITION, INTERVAL_VALUE, STARTS, DEFINER FROM information_schema.EVENTS \
                 WHERE EVENT_SCHEMA = BINARY {within} AND EVENT_NAME = BINARY {value}"
            ),
            Place::Routine => format!("SHOW CREATE PROCEDURE {database}.{name}; CALL {database}.{name}()"),
        }
    }

    /// What a server answers about it.
    pub fn seen(&self, lab: &Lab, side: Side) -> String {
        lab.sql(side, &self.questions())
    }
}

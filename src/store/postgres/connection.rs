//! One connection to a server of the store. It has a small runtime of its own, so that its calls block like file access; see
//! [`apart`].

use super::address::{Address, Cover, words};
use super::cluster::{Cluster, WHICH};
use super::tls;
use super::writing::Line;
use crate::store::database::{Append, Row, Session, Value};
use crate::store::trouble::Trouble;
use futures_util::future::join_all;
use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime, RuntimeFlavor};
use tokio::time::timeout;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, private::BytesMut, to_sql_checked};
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage, Statement};

/// Time limit for an answer. A commit waits for the standby, and the result of one that does not return is unknown.
const ANSWER: Duration = Duration::from_secs(10);
/// For this session: commits respect `synchronous_standby_names`; waits for locks are limited; and locks of a process that
/// was stopped in the middle of its work are released.
const SETTINGS: &str = "SET search_path = cutover; SET lock_timeout = '8s'; \
    SET idle_in_transaction_session_timeout = '15s'; SET client_min_messages = warning; \
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') IN ('off', 'local')";

/// Error code of the function `append` when the entries do not follow the end of their run, or are not of its runner.
const DOES_NOT_FIT: &str = "CU001";

/// A connection.
pub(super) struct Connection {
    client: Client,
    prepared: HashMap<String, Statement>,
    pub(super) cluster: Cluster,
    /// There until the end.
    runtime: Option<Runtime>,
}

impl Drop for Connection {
    /// It may be dropped within a runtime, where waiting for another runtime is not allowed.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Connection {
    /// Connects to the server of an address that accepts writes; of several, to the one promoted last.
    pub(super) fn open(address: &Address) -> Result<Self, Trouble> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let hosts = address.hosts().map_err(|failure| Trouble::Unusable {
            answer: format!("{}: {}", failure.place.unwrap_or_default(), failure.answer),
            help: failure.help.unwrap_or_default(),
        })?;
        let opened =
            runtime.block_on(join_all(hosts.iter().map(|(name, config)| open_one(name, config, &address.cover))));
        let (mut best, mut against): (Option<(Client, Cluster)>, Vec<Trouble>) = (None, Vec::new());
        for one in opened {
            match one {
                Ok(one) if best.as_ref().is_none_or(|best| best.1.timeline < one.1.timeline) => best = Some(one),
                Ok(_) => {}
                Err(trouble) => against.push(trouble),
            }
        }
        let Some((client, cluster)) = best else { return Err(none_of(against)) };
        let connection = Self { client, prepared: HashMap::new(), cluster, runtime: Some(runtime) };
        connection.now(connection.client.batch_execute(SETTINGS))?;
        Ok(connection)
    }

    fn now<T>(&self, work: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, Trouble> {
        let Some(runtime) = &self.runtime else { return Err(Trouble::Lost("it is closed".to_owned())) };
        match runtime.block_on(async { timeout(ANSWER, work).await }) {
            Ok(answer) => answer.map_err(Trouble::from),
            Err(_) => Err(Trouble::Lost(format!("no answer within {} s", ANSWER.as_secs()))),
        }
    }

    fn prepared(&mut self, statement: &str) -> Result<Statement, Trouble> {
        if let Some(known) = self.prepared.get(statement) {
            return Ok(known.clone());
        }
        let prepared = self.now(self.client.prepare(statement))?;
        self.prepared.insert(statement.to_owned(), prepared.clone());
        Ok(prepared)
    }
}

async fn open_one(name: &str, config: &Config, cover: &Cover) -> Result<(Client, Cluster), Trouble> {
    let lost = |answer: String| Trouble::Lost(format!("{name}: {answer}"));
    let open = async {
        let client = match cover {
            Cover::None => {
                let (client, connection) = config.connect(NoTls).await?;
                tokio::spawn(connection);
                client
            }
            Cover::Tls { authorities } => {
                let (client, connection) = config.connect(tls::connector(authorities)?).await?;
                tokio::spawn(connection);
                client
            }
        };
        let row = client.query_one(WHICH, &[]).await?;
        if row.try_get::<_, bool>(0)? {
            return Err(Trouble::Lost("it is a standby".to_owned()));
        }
        let timeline = row.try_get::<_, String>(2)?;
        let timeline =
            u32::from_str_radix(&timeline, 16).map_err(|_| Trouble::Lost(format!("its timeline is {timeline}")))?;
        Ok((client, Cluster { system: row.try_get(1)?, timeline }))
    };
    match timeout(ANSWER, open).await {
        Ok(Ok(opened)) => Ok(opened),
        Ok(Err(Trouble::Lost(answer))) => Err(lost(answer)),
        Ok(Err(Trouble::Said { code, text })) => Err(Trouble::Said { code, text: format!("{name}: {text}") }),
        Ok(Err(Trouble::Unusable { answer, help })) => {
            Err(Trouble::Unusable { answer: format!("{name}: {answer}"), help })
        }
        Ok(Err(trouble)) => Err(trouble),
        Err(_) => Err(lost("no answer".to_owned())),
    }
}

/// Why no connection could be opened. A server's answer is preferred to no answer.
fn none_of(mut against: Vec<Trouble>) -> Trouble {
    if let Some(at) = against.iter().position(|trouble| !trouble.may_pass()) {
        return against.swap_remove(at);
    }
    let words = against.into_iter().map(|trouble| match trouble {
        Trouble::Lost(answer) => answer,
        other => other.to_string(),
    });
    Trouble::Lost(words.collect::<Vec<_>>().join("; "))
}

impl From<tokio_postgres::Error> for Trouble {
    fn from(error: tokio_postgres::Error) -> Self {
        if let Some(said) = error.as_db_error() {
            return Self::Said { code: said.code().code().to_owned(), text: words(&error) };
        }
        let answer = words(&error);
        // the driver distinguishes these from a missing server only in its message; waiting helps with neither
        if answer.contains("password missing") {
            let help =
                "add a line for it to the file named by PGPASSFILE, or to ~/.pgpass: host:port:database:user:password";
            return Self::Unusable {
                answer: "it requires a password, and none is configured".to_owned(),
                help: help.to_owned(),
            };
        }
        if answer.contains("invalid peer certificate") {
            let help = "check that `sslrootcert` names the authority that signed the server's certificate, and that the certificate is for the host's name";
            return Self::Unusable { answer, help: help.to_owned() };
        }
        Self::Lost(answer)
    }
}

impl Session for Connection {
    fn rows(&mut self, statement: &str, values: &[Value]) -> Result<Vec<Row>, Trouble> {
        let prepared = self.prepared(statement)?;
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        let rows = self.now(self.client.query(&prepared, &values))?;
        let row = |row: &tokio_postgres::Row| {
            let values =
                (0..row.len()).map(|column| Ok(row.try_get::<_, Option<Value>>(column)?.unwrap_or(Value::Null)));
            values.collect::<Result<_, Trouble>>().map(Row)
        };
        rows.iter().map(row).collect()
    }

    fn change(&mut self, statement: &str, values: &[Value]) -> Result<u64, Trouble> {
        let prepared = self.prepared(statement)?;
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        self.now(self.client.execute(&prepared, &values))
    }

    fn clock(&self) -> &'static str {
        "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"
    }

    fn is_chained(&mut self) -> Result<bool, Trouble> {
        Ok(true)
    }

    fn to_hold(&self) -> &'static str {
        " FOR UPDATE"
    }
}

impl Line for Connection {
    fn batch(&mut self, statements: &str) -> Result<(), Trouble> {
        self.now(self.client.batch_execute(statements))
    }

    /// The function is created with the tables.
    fn append(&mut self, writer: &str, number: i64, append: &Append<'_>) -> Result<bool, Trouble> {
        let Append { run, epoch, after: (seq, hash), times, events, hashes } = append;
        let (seq, epoch) = (i64::from(*seq), epoch.map(i64::from));
        let prepared = self.prepared("SELECT append($1, $2, $3, $4, $5, $6, $7, $8, $9)")?;
        let values: [&(dyn ToSql + Sync); 9] = [&writer, &number, run, &epoch, &seq, hash, times, events, hashes];
        match self.now(self.client.execute(&prepared, &values)) {
            Ok(_) => Ok(true),
            Err(Trouble::Said { code, .. }) if code == DOES_NOT_FIT => Ok(false),
            Err(trouble) => Err(trouble),
        }
    }

    /// All of it in one message.
    fn begin(&mut self, receipt: &str) -> Result<bool, Trouble> {
        let answers = self.now(self.client.simple_query(&format!("BEGIN; {receipt}")))?;
        let changed = answers.iter().rev().find_map(|answer| match answer {
            SimpleQueryMessage::CommandComplete(rows) => Some(*rows),
            _ => None,
        });
        Ok(changed.unwrap_or(0) > 0)
    }
}

impl ToSql for Value {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Truth(truth) => truth.to_sql(ty, out),
            Self::Number(number) => number.to_sql(ty, out),
            Self::Text(text) => text.to_sql(ty, out),
        }
    }
    fn accepts(ty: &Type) -> bool {
        [Type::BOOL, Type::INT8, Type::TEXT].contains(ty)
    }
    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        match *ty {
            Type::BOOL => bool::from_sql(ty, raw).map(Self::Truth),
            Type::INT4 => i32::from_sql(ty, raw).map(|number| Self::Number(number.into())),
            Type::INT8 => i64::from_sql(ty, raw).map(Self::Number),
            _ => String::from_sql(ty, raw).map(Self::Text),
        }
    }
    fn accepts(ty: &Type) -> bool {
        [Type::BOOL, Type::INT4, Type::INT8, Type::TEXT, Type::VARCHAR].contains(ty)
    }
}

/// Runs blocking work on a thread without a runtime: it would block the other runtime, and this one's could not be
/// entered.
pub(super) fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let on_thread = || match std::thread::scope(|scope| scope.spawn(work).join()) {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    };
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(on_thread),
        _ => on_thread(),
    }
}

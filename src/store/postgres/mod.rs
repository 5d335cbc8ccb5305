//! The store on a PostgreSQL database that machines share.
//!
//! Acknowledged writes are on the standbys of `synchronous_standby_names`. The store waits for a server that goes away, and
//! does not repeat work whose answer was lost: each unit of work writes its number into `receipt`, and a unit that finds
//! its own number there was durable already.

mod address;
mod cluster;
mod connection;
mod passfile;
mod schema;
mod tls;
mod writing;

pub use address::Address;

use super::Backup;
use super::database::{Append, Database, Work};
use super::trouble::Trouble;
use crate::error::{Failure, Result};
use cluster::Seen;
use connection::{Connection, apart};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use writing::{Line, Lines, Pen, append, write};

/// How long reads and writes wait for a server that went away.
const READ_PATIENCE: Duration = Duration::from_secs(20);
const WRITE_PATIENCE: Duration = Duration::from_mins(10);
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(200);
/// Number of connections kept open.
const KEPT: usize = 4;

static POOLS: Mutex<BTreeMap<String, Weak<Pool>>> = Mutex::new(BTreeMap::new());

/// A handle on the connections that all of this process shares.
pub(super) struct Postgres {
    pool: Arc<Pool>,
}

struct Pool {
    address: Address,
    seen: Mutex<Seen>,
    idle: Mutex<Vec<Connection>>,
    pens: Mutex<Vec<Pen>>,
}

impl Postgres {
    /// Opens the store for writing, and creates it if missing. `folder` records for this machine which cluster it is.
    pub(super) fn open(address: &Address, folder: &Path) -> Result<Self> {
        let store = Self { pool: Pool::of(address, folder) };
        let opened = apart(|| {
            store.pool.with(READ_PATIENCE, |connection| {
                schema::upgrade(connection)?;
                connection.batch("DELETE FROM receipt WHERE at < now() - interval '7 days'")
            })
        });
        opened.map_err(|trouble| store.failure("open the shared store".to_owned(), trouble))?;
        Ok(store)
    }

    /// Opens the store for reading, if there is one.
    pub(super) fn open_existing(address: &Address, folder: &Path) -> Result<Option<Self>> {
        let store = Self { pool: Pool::of(address, folder) };
        let version = apart(|| store.pool.with(READ_PATIENCE, schema::version));
        match version.map_err(|trouble| store.failure("open the shared store".to_owned(), trouble))? {
            0 => Ok(None),
            newer if newer > schema::LATEST => {
                Err(store.failure("open the shared store".to_owned(), Trouble::Newer(newer, schema::LATEST)))
            }
            _ => Ok(Some(store)),
        }
    }
}

impl Pool {
    fn of(address: &Address, folder: &Path) -> Arc<Self> {
        let mut pools = guard(&POOLS);
        if let Some(pool) = pools.get(&address.text).and_then(Weak::upgrade) {
            return pool;
        }
        let seen = Mutex::new(Seen::in_folder(folder));
        let pool = Arc::new(Self { address: address.clone(), seen, idle: Mutex::default(), pens: Mutex::default() });
        pools.retain(|_, pool| pool.strong_count() > 0);
        pools.insert(address.text.clone(), Arc::downgrade(&pool));
        pool
    }

    /// Work that changes nothing, or may be done twice. Temporary failures are retried until the time limit.
    fn with<T>(
        &self,
        patience: Duration,
        mut work: impl FnMut(&mut Connection) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let begun = Instant::now();
        loop {
            let mut used = None;
            let done = self.line().and_then(|line| work(used.insert(line)));
            match done {
                Ok(done) => {
                    if let Some(connection) = used {
                        self.keep(connection);
                    }
                    return Ok(done);
                }
                // a connection after a failed statement is in an unknown state: it is not kept
                Err(trouble) if trouble.may_pass() && begun.elapsed() < patience => self.pause(),
                Err(trouble) => return Err(trouble),
            }
        }
    }
}

impl Pool {
    fn with_pen<T>(&self, work: impl FnOnce(&mut Pen) -> T) -> T {
        let mut pen = guard(&self.pens).pop().unwrap_or_default();
        let done = work(&mut pen);
        guard(&self.pens).push(pen);
        done
    }
}

impl Lines for Pool {
    type Line = Connection;

    /// A connection to the newest primary.
    fn line(&self) -> Result<Connection, Trouble> {
        if let Some(connection) = guard(&self.idle).pop() {
            return Ok(connection);
        }
        let connection = Connection::open(&self.address)?;
        guard(&self.seen).admit(connection.cluster)?;
        Ok(connection)
    }

    /// Keeps a connection for later use, unless a newer primary was seen meanwhile.
    fn keep(&self, connection: Connection) {
        let newest = guard(&self.seen).newest();
        let mut idle = guard(&self.idle);
        idle.retain(|other| Some(other.cluster) == newest);
        if Some(connection.cluster) == newest && idle.len() < KEPT {
            idle.push(connection);
        }
    }

    /// Others of the pool have lost the same server.
    fn pause(&self) {
        guard(&self.idle).clear();
        std::thread::sleep(BETWEEN_ATTEMPTS);
    }
}

impl Database for Postgres {
    fn read(&self, work: &mut Work<'_>) -> Result<(), Trouble> {
        apart(|| {
            self.pool.with(READ_PATIENCE, |connection| {
                connection.batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
                work(connection)?;
                connection.batch("COMMIT")
            })
        })
    }

    fn write(&self, work: &mut Work<'_>) -> Result<(), Trouble> {
        apart(|| self.pool.with_pen(|pen| write(&*self.pool, pen, WRITE_PATIENCE, work)))
    }

    fn append(&self, entries: &Append<'_>) -> Result<bool, Trouble> {
        apart(|| self.pool.with_pen(|pen| append(&*self.pool, pen, WRITE_PATIENCE, entries)))
    }

    fn sound(&self) -> Result<u32, Trouble> {
        apart(|| self.pool.with(READ_PATIENCE, schema::version)) // the storage below is PostgreSQL's own responsibility
    }

    fn back_up(&self, _: &Path) -> Result<Backup> {
        Err(Failure::refused("copy the shared store to a file", "PostgreSQL has its own backup tools")
            .help("back it up with your other databases, or `pg_dump --schema=cutover`"))
    }

    fn failure(&self, attempted: String, trouble: Trouble) -> Failure {
        let address = &self.pool.address.text;
        let make = if trouble.may_pass() { Failure::transient } else { Failure::permanent };
        let failure = make(attempted, trouble.to_string()).at(address);
        match advice(&trouble, guard(&self.pool.seen).file()) {
            Some(advice) => failure.help(advice),
            None => failure,
        }
    }
}

fn advice(trouble: &Trouble, seen: &Path) -> Option<String> {
    Some(match trouble {
        Trouble::NoRun => "see `cutover list`".to_owned(),
        Trouble::Newer(..) => "use the version of cutover that wrote it, or a newer one".to_owned(),
        Trouble::Unusable { help, .. } => help.clone(),
        Trouble::Lost(_) => "check that its primary runs and that this machine reaches it".to_owned(),
        Trouble::Unknown(_) => "when the store is back, `cutover status` shows what was stored".to_owned(),
        Trouble::OldTimeline { .. } => {
            "give the address of the promoted primary; stop the old one, or make it a standby of the new one".to_owned()
        }
        Trouble::OtherCluster { .. } => {
            format!("check that the address leads to the right cluster; if it was moved on purpose, remove {}", seen.display())
        }
        Trouble::Said { code, .. } if code == "28P01" => {
            "check its line in the file named by PGPASSFILE, or in ~/.pgpass".to_owned()
        }
        Trouble::Said { code, .. } if code == "42501" => {
            "allow the account to create a schema in that database, or create one for it: `CREATE SCHEMA cutover AUTHORIZATION …`".to_owned()
        }
        damage if damage.is_damage() => "restore it from a backup of that PostgreSQL".to_owned(),
        _ => return None,
    })
}

fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! The rehearsal's application: it writes all the time, reads its database's address from a configuration file, and
//! keeps a ledger of every write that was acknowledged to it.
//!
//! It knows nothing of a migration. On SIGHUP it reads its configuration again and reconnects at once, on SIGTERM it
//! stops, as any well-behaved service does.

use super::ledger::Pen;
use super::shop::DATABASE;
use crate::domain::Sql;
use crate::domain::folder_of;
use crate::domain::secret::SecretRef;
use crate::effects::{Cover, Login, Secrets, Session, SqlError};
use crate::error::{Failure, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Longest time the application waits for an answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// First and longest pause before it tries to connect again.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(4), Duration::from_millis(16));
/// How often the ledger goes to its file.
const FLUSH: Duration = Duration::from_millis(50);

/// Arguments of the application.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Its configuration: `KEY=VALUE` lines with `DB_HOST`, `DB_PORT`, `DB_USER`, `DB_PASSWORD_FILE` and `DB_NAME`.
    #[arg(long)]
    pub config: PathBuf,
    /// The ledger it keeps.
    #[arg(long)]
    pub ledger: PathBuf,
    /// How many writers work at the same time.
    #[arg(long, default_value_t = 4)]
    pub writers: u32,
    /// File for its process id, written once it can reload or stop.
    #[arg(long)]
    pub pid_file: PathBuf,
    /// Transactions per second of all writers together; 0 means as many as possible.
    #[arg(long, default_value_t = 0)]
    pub rate: u32,
    /// Ignore a reload: an application that keeps the server it knows.
    #[arg(long)]
    pub deaf: bool,
}

/// Runs the application until SIGTERM or SIGINT.
///
/// # Errors
/// When its configuration or ledger cannot be used. A database that cannot be reached is no error: it tries again.
pub async fn run(args: &Args) -> Result<()> {
    let failed = |error: std::io::Error| Failure::permanent("start the application", error.to_string());
    let mut hangup = signal(SignalKind::hangup()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let application = Application::start(args)?;
    std::fs::write(&args.pid_file, format!("{}\n", std::process::id())).map_err(failed)?;
    loop {
        tokio::select! {
            _ = hangup.recv() => {
                if args.deaf {
                    continue;
                }
                if let Err(failure) = application.reload() {
                    tracing::warn!("{failure}");
                }
            }
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        }
    }
    let stopped = application.stop().await;
    let _ = std::fs::remove_file(&args.pid_file); // the process that stopped this one may have tidied up already
    stopped
}

/// The application while it runs.
pub struct Application {
    config: PathBuf,
    settings: watch::Sender<Arc<Settings>>,
    stop: CancellationToken,
    writers: JoinSet<()>,
    flusher: tokio::task::JoinHandle<()>,
    pen: Arc<Pen>,
}

impl Application {
    /// Starts its writers.
    ///
    /// # Errors
    /// When its configuration or ledger cannot be used.
    pub fn start(args: &Args) -> Result<Self> {
        let (settings, _) = watch::channel(Arc::new(Settings::read(&args.config)?));
        let (pen, base) = Pen::open(&args.ledger)?;
        let (pen, stop) = (Arc::new(pen), CancellationToken::new());
        let mut writers = JoinSet::new();
        for number in 1..=args.writers {
            let writer = Writer { number, seq: base, pen: pen.clone(), stop: stop.clone(), accounts: 0 };
            writers.spawn(writer.work(settings.subscribe(), pace(args)));
        }
        let flusher = tokio::spawn(flush_often(pen.clone()));
        Ok(Self { config: args.config.clone(), settings, stop, writers, flusher, pen })
    }

    /// Reads the configuration again and makes every writer reconnect at once.
    ///
    /// # Errors
    /// When the configuration cannot be used; the old one remains in use.
    pub fn reload(&self) -> Result<()> {
        self.settings.send_replace(Arc::new(Settings::read(&self.config)?));
        Ok(())
    }

    /// Stops after the transactions under way and completes the ledger.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub async fn stop(mut self) -> Result<()> {
        self.stop.cancel();
        let all = async { while self.writers.join_next().await.is_some() {} };
        let _ = timeout(PATIENCE, all).await; // a write that is still under way then is in nobody's ledger
        self.writers.abort_all();
        self.flusher.abort();
        self.pen.flush()
    }
}

async fn flush_often(pen: Arc<Pen>) {
    loop {
        sleep(FLUSH).await;
        if let Err(failure) = pen.flush() {
            tracing::error!("{failure}");
        }
    }
}

/// Where the database is, according to the configuration file.
struct Settings {
    login: Login,
    secrets: Arc<Secrets>,
    database: String,
}

impl Settings {
    fn read(path: &Path) -> Result<Self> {
        let failed = |answer: String| Failure::permanent(format!("read the configuration {}", path.display()), answer);
        let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
        let value = |key: &str| {
            let pairs = text.lines().filter_map(|line| line.split_once('='));
            let mut values = pairs.filter(|(name, _)| name.trim() == key).map(|(_, value)| value.trim());
            values.next_back().map(str::to_owned).ok_or_else(|| failed(format!("{key} is missing")))
        };
        let password = SecretRef::File(value("DB_PASSWORD_FILE")?);
        let folder = folder_of(path);
        let secrets = Secrets::read([&password], folder).map_err(|failures| {
            failures.into_iter().next().unwrap_or_else(|| failed("the password is missing".into()))
        })?;
        let login = Login {
            server: "the database".into(),
            address: format!("{}:{}", value("DB_HOST")?, value("DB_PORT")?),
            user: value("DB_USER")?,
            password: Some(password),
            cover: Cover::Loopback,
        };
        let database = value("DB_NAME").unwrap_or_else(|_| DATABASE.into());
        Ok(Self { login, secrets: Arc::new(secrets), database })
    }
}

/// The beat that one writer of all keeps; `None` for as fast as possible.
fn pace(args: &Args) -> Option<Interval> {
    let period = Duration::from_secs(1) * args.writers.max(1) / (args.rate > 0).then_some(args.rate)?;
    let mut beat = interval(period.max(Duration::from_micros(100)));
    beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
    Some(beat)
}

/// One of the writers.
struct Writer {
    number: u32,
    seq: u64,
    pen: Arc<Pen>,
    stop: CancellationToken,
    accounts: u64,
}

impl Writer {
    async fn work(mut self, mut settings: watch::Receiver<Arc<Settings>>, mut pace: Option<Interval>) {
        let mut pause = BACKOFF.0;
        loop {
            let now = settings.borrow_and_update().clone();
            let opened = tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                _ = settings.changed() => continue,
                opened = Session::open(now.login.clone(), now.secrets.clone()) => opened,
            };
            if let Ok(session) = opened {
                let written = self.write_on(&session, &now, &mut settings, &mut pace).await;
                if self.stop.is_cancelled() {
                    session.close().await;
                    return;
                }
                session.hang_up();
                if written > 0 {
                    pause = BACKOFF.0;
                }
            }
            if !settings.has_changed().unwrap_or(false) {
                tokio::select! {
                    () = self.stop.cancelled() => return,
                    _ = settings.changed() => pause = BACKOFF.0,
                    () = sleep(pause) => pause = (pause * 2).min(BACKOFF.1),
                }
            }
        }
    }

    /// Writes on one connection until it fails, is to be left, or the application is to stop. Returns how many writes
    /// were acknowledged.
    async fn write_on(
        &mut self,
        session: &Session,
        settings: &Settings,
        changes: &mut watch::Receiver<Arc<Settings>>,
        pace: &mut Option<Interval>,
    ) -> u64 {
        let endpoint = self.pen.endpoint(&settings.login.address);
        let mut written = 0;
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return written,
                _ = changes.changed() => { changes.mark_changed(); return written }
                () = beat(pace) => {}
            }
            self.seq += 1;
            let acknowledged = tokio::select! {
                biased;
                result = self.transaction(session, &settings.database) => result.is_ok(),
                _ = changes.changed() => { changes.mark_changed(); false }
            };
            self.pen.record(acknowledged, self.number, self.seq, endpoint);
            if !acknowledged {
                return written;
            }
            written += 1;
        }
    }

    /// One row in the ledger and one transfer between two accounts, or nothing.
    async fn transaction(&mut self, session: &Session, database: &str) -> Result<(), SqlError> {
        if self.accounts == 0 {
            let most =
                session.try_query(Sql::verbatim(format!("SELECT MAX(id) FROM {database}.accounts")), PATIENCE).await?;
            self.accounts = most.value().and_then(|most| most.parse().ok()).unwrap_or(1);
        }
        let random = scatter(u64::from(self.number) << 48 ^ self.seq);
        let (from, to) = (1 + random % self.accounts, 1 + (random >> 20) % self.accounts);
        let (writer, seq, amount) = (self.number, self.seq, 1 + random % 9);
        session.try_query("BEGIN", PATIENCE).await?;
        let insert = format!("INSERT INTO {database}.ledger VALUES ({writer}, {seq}, '{random:016x}', NOW(6))");
        session.try_query(Sql::verbatim(&insert), PATIENCE).await?;
        if from != to {
            // One statement locks both rows in the order of their ids, so writers cannot deadlock.
            let transfer = format!(
                "UPDATE {database}.accounts SET balance = balance + IF(id = {from}, -{amount}, {amount}) \
                 WHERE id IN ({from}, {to})"
            );
            session.try_query(Sql::verbatim(&transfer), PATIENCE).await?;
        }
        session.try_query("COMMIT", PATIENCE).await.map(|_| ())
    }
}

async fn beat(pace: &mut Option<Interval>) {
    if let Some(pace) = pace {
        pace.tick().await;
    }
}

/// A number that looks random (the finalizer of `SplitMix64`); repeatable, so that a rehearsal can be repeated.
fn scatter(number: u64) -> u64 {
    let mut x = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::Settings;
    use crate::domain::secret::SecretRef;

    #[test]
    fn reads_its_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.env");
        std::fs::write(folder.path().join("pw"), "x\n").unwrap();
        let text = "# shop\nDB_HOST=127.0.0.1\nDB_PORT=3307\nDB_USER=shop\nDB_PASSWORD_FILE=pw\nDB_NAME=shop\n";
        std::fs::write(&path, text).unwrap();
        let settings = Settings::read(&path).unwrap();
        assert_eq!(settings.login.address, "127.0.0.1:3307");
        assert_eq!(settings.login.password, Some(SecretRef::File("pw".into())));
        std::fs::write(&path, text.replace("DB_HOST", "HOST")).unwrap();
        assert!(Settings::read(&path).is_err_and(|failure| failure.answer.contains("DB_HOST")));
    }
}

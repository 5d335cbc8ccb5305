//! SQL sessions against a real server.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use cutover::effects::{INIT, Login, Secrets, Session, greeting};
use cutover::error::{Class, Failure};
use cutover::playbook::secret::SecretRef;
use cutover::rehearsal::server::{Choice, Profile, Server, Setup};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(10);
const PASSWORD: &str = "s3cret'of\\migrate";
const OTHER: &str = "an'other\\hidden-word";

struct Bench {
    server: Server,
    secrets: Arc<Secrets>,
    _folder: TempDir,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let refs = ["migrate", "other"].map(|name| SecretRef::File(name.into()));
        std::fs::write(folder.path().join("migrate"), PASSWORD).unwrap();
        std::fs::write(folder.path().join("other"), OTHER).unwrap();
        let secrets = Arc::new(Secrets::read(&refs, folder.path()).unwrap());
        let setup = Setup {
            name: "old".into(),
            dir: folder.path().join("old"),
            program: Choice::default(),
            port: None,
            profile: Profile::Bare,
            password: PASSWORD.into(),
            options: vec!["innodb_buffer_pool_size = 32M".into()],
        };
        Self { server: Server::start(setup).await.unwrap(), secrets, _folder: folder }
    }
    async fn login(&self, user: &str, secret: &str) -> Result<Session, Failure> {
        let login = Login {
            server: "old".into(),
            address: self.server.address(),
            user: user.into(),
            password: Some(format!("‹secret {secret}›")),
            tls: None,
        };
        Session::open(login, self.secrets.clone()).await
    }
    async fn session(&self) -> Session {
        self.login("migrate", "migrate").await.unwrap()
    }
}

/// Any piece long enough to be of use counts.
fn shows_a_secret(text: &str) -> bool {
    [PASSWORD, OTHER, "s3cret", "hidden", "an'other", "an''other"].iter().any(|piece| text.contains(piece))
}

#[tokio::test]
async fn rows_errors_and_logins() {
    let bench = Bench::new().await;
    let session = bench.session().await;
    let rows =
        session.query("SELECT 1 AS One, NULL AS Nothing, 'ü' AS Text UNION SELECT 2, 3, 4", LIMIT).await.unwrap();
    let first = rows.first().unwrap();
    assert_eq!((first.get("one"), first.get("nothing"), first.get("Text")), (Some("1"), None, Some("ü")));
    assert_eq!((rows.len(), rows.iter().nth(1).unwrap().at(2)), (2, Some("4")));
    let rows = session.query("SELECT @@time_zone, @@wait_timeout, @@lock_wait_timeout", LIMIT).await.unwrap();
    assert_eq!(rows.rows[0].iter().flatten().collect::<Vec<_>>(), ["SYSTEM", "28800", "5"]);
    let id = session.query("SELECT CONNECTION_ID()", LIMIT).await.unwrap();
    assert_eq!(id.value().unwrap(), session.id().to_string());

    session.exec("CREATE DATABASE d", LIMIT).await.unwrap();
    session.exec("CREATE TABLE d.t (id INT PRIMARY KEY) AS SELECT 1 AS id UNION SELECT 2", LIMIT).await.unwrap();
    assert_eq!(session.exec("UPDATE d.t SET id = id + 10", LIMIT).await.unwrap(), 2);
    assert!(session.query("SELECT * FROM d.t WHERE id = 0", LIMIT).await.unwrap().is_empty());

    let error = session.try_query("SELECT * FROM d.nothing", LIMIT).await.unwrap_err();
    assert_eq!((error.code, error.lost, error.timed_out), (Some(1146), false, false));
    let failure = session.query("SELECT *\n   FROM d.nothing", LIMIT).await.unwrap_err();
    assert_eq!((failure.class, failure.place.as_deref()), (Class::Permanent, Some("old")));
    assert_eq!(failure.attempted, "run `SELECT * FROM d.nothing`");
    assert!(failure.answer.starts_with("error 1146: "), "{failure}");
    assert!(session.is_alive());
    session.close().await;
    assert!(!session.is_alive());

    let Err(refused) = bench.login("migrate", "other").await else { panic!("logged in with a wrong password") };
    assert_eq!((refused.class, refused.attempted.as_str()), (Class::Permanent, "log in as migrate"));
    assert!(refused.help.as_ref().unwrap().contains("‹secret other›"));
    assert!(!shows_a_secret(&format!("{refused:?}")), "{refused:?}");

    assert!(greeting(&bench.server.address(), LIMIT).await.unwrap().contains("MariaDB"));
    bench.server.stop();
    let Err(refused) = bench.login("migrate", "migrate").await else { panic!("logged in to a stopped server") };
    assert_eq!((refused.class, refused.attempted.as_str()), (Class::Transient, "connect"));
    assert!(greeting(&bench.server.address(), LIMIT).await.is_err());
}

#[tokio::test]
async fn a_statement_out_of_time_is_ended_and_the_next_answer_is_the_right_one() {
    let bench = Bench::new().await;
    let session = bench.session().await;
    let began = Instant::now();
    let failure = session.query("SELECT 111, SLEEP(20)", Duration::from_millis(200)).await.unwrap_err();
    assert_eq!((failure.class, failure.answer.as_str()), (Class::Transient, "took longer than 200ms"));
    assert_eq!(session.query("SELECT 222", LIMIT).await.unwrap().value(), Some("222"));

    // A caller that goes away takes its statement with it, and no answer goes to somebody else.
    assert!(timeout(Duration::from_millis(100), session.query("SELECT 333, SLEEP(20)", LIMIT)).await.is_err());
    assert_eq!(session.query("SELECT 444", LIMIT).await.unwrap().value(), Some("444"));
    for step in 0..40 {
        // Around the very moment the statement ends.
        match session.query("SELECT 555, SLEEP(0.004)", Duration::from_micros(3_500 + step * 50)).await {
            Ok(rows) => assert_eq!(rows.value(), Some("555")),
            Err(failure) => assert_eq!(failure.class, Class::Transient),
        }
        assert_eq!(session.query("SELECT 666", LIMIT).await.unwrap().value(), Some("666"));
    }
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    let running = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'SELECT%SLEEP(20)'";
    assert_eq!(session.query(running, LIMIT).await.unwrap().value(), Some("0"));

    let (a, b) = tokio::join!(session.query("SELECT 'a', SLEEP(0.1)", LIMIT), session.query("SELECT 'b'", LIMIT));
    assert_eq!((a.unwrap().value(), b.unwrap().value()), (Some("a"), Some("b")));
}

#[tokio::test]
async fn a_lost_connection_is_noticed() {
    let bench = Bench::new().await;
    let (session, other) = (bench.session().await, bench.session().await);
    other.exec(&format!("KILL {}", session.id()), LIMIT).await.unwrap();
    let failure = session.query("SELECT 1", LIMIT).await.unwrap_err();
    assert_eq!(failure.class, Class::Transient, "{failure}");
    assert!(failure.now.is_some() && !session.is_alive());
    assert!(session.try_query("SELECT 1", LIMIT).await.unwrap_err().lost);

    let mid = bench.session().await;
    let (result, ()) = tokio::join!(mid.try_query("SELECT SLEEP(20)", LIMIT), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        other.exec(&format!("KILL {}", mid.id()), LIMIT).await.unwrap();
    });
    assert!(result.unwrap_err().lost && !mid.is_alive());

    let hung_up = bench.session().await;
    hung_up.hang_up();
    assert!(!hung_up.is_alive() && hung_up.try_query("SELECT 1", LIMIT).await.unwrap_err().lost);

    bench.server.freeze(true);
    let began = Instant::now();
    let error = other.try_query("SELECT 1", Duration::from_millis(300)).await.unwrap_err();
    bench.server.freeze(false);
    assert!(error.lost && error.timed_out && !other.is_alive());
    assert!(began.elapsed() < Duration::from_secs(8));
    let again = bench.session().await;
    bench.server.kill();
    assert!(again.try_query("SELECT 1", LIMIT).await.unwrap_err().lost);
    bench.server.restart().await.unwrap();
    assert_eq!(bench.session().await.query("SELECT 7", LIMIT).await.unwrap().value(), Some("7"));
}

#[tokio::test]
async fn secrets_stay_secret_and_the_server_sees_only_what_the_plan_shows() {
    let bench = Bench::new().await;
    let session = bench.session().await;
    session.exec("CREATE USER app@'127.0.0.1' IDENTIFIED BY '‹secret other›'", LIMIT).await.unwrap();
    bench.login("app", "other").await.unwrap().close().await;
    for sql in [
        "CREATE USER x@y IDENTIFIED '‹secret other›'",
        "CREATE USER x@y IDENTIFIED BY '‹secret other›' nonsense '‹secret migrate›'",
        "SELECT `‹secret other›`",
        "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'it is ‹secret other›'",
        "CREATE USER app@'127.0.0.1' IDENTIFIED BY '‹secret other›'",
    ] {
        let failure = session.query(sql, LIMIT).await.unwrap_err();
        assert!(!shows_a_secret(&format!("{failure:?} {failure}")), "{failure:?}");
        assert!(failure.attempted.contains("‹secret"), "{failure:?}");
    }
    let failure = session.query("SELECT '‹secret nowhere›'", LIMIT).await.unwrap_err();
    assert!(failure.answer.contains("nowhere"), "{failure}");

    session.exec("SET GLOBAL log_output = 'TABLE', general_log = ON", LIMIT).await.unwrap();
    let seen = bench.session().await;
    let statement = "SELECT  'as written' -- with its comment";
    seen.query(statement, LIMIT).await.unwrap();
    seen.close().await;
    let log = format!("SELECT command_type, argument FROM mysql.general_log WHERE thread_id = {}", seen.id());
    let mut rows = session.query(&log, LIMIT).await.unwrap();
    while rows.len() < 4 {
        rows = session.query(&log, LIMIT).await.unwrap(); // the server writes down the end a little later
    }
    let lines: Vec<_> = rows.iter().map(|row| (row.at(0).unwrap(), row.at(1).unwrap())).collect();
    assert_eq!(lines[0].0, "Connect");
    assert_eq!(lines[1..], [("Query", INIT), ("Query", statement), ("Quit", "")]);
}

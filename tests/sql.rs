//! SQL sessions against a real server.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "skip/mod.rs"]
mod skip;

use cutover::dialect::Dialect;
use cutover::domain::product::{Family, Product};
use cutover::domain::secret::SecretRef;
use cutover::effects::{Cover, INIT, Login, Secrets, Session, greeting};
use cutover::error::{Class, Failure};
use cutover::rehearsal::server::{Choice, Profile, Server, Setup};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::time::timeout;

/// Three gigabytes of rows.
const MANY: &str = "SELECT seq, REPEAT('x', 1000) FROM mysql.seq_1_to_3000000";
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
        Self::with(&[]).await
    }
    async fn with(options: &[&str]) -> Self {
        Self::of(Choice::default(), options).await
    }
    async fn of(program: Choice, options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let refs = ["migrate", "other"].map(|name| SecretRef::File(name.into()));
        std::fs::write(folder.path().join("migrate"), PASSWORD).unwrap();
        std::fs::write(folder.path().join("other"), OTHER).unwrap();
        let secrets = Arc::new(Secrets::read(&refs, folder.path()).unwrap());
        let setup = Setup {
            name: "old".into(),
            dir: folder.path().join("old"),
            program,
            port: None,
            profile: Profile::Bare,
            password: PASSWORD.into(),
            options: ["innodb_buffer_pool_size = 32M"].iter().chain(options).map(|&line| line.into()).collect(),
        };
        Self { server: Server::start(setup).await.unwrap(), secrets, _folder: folder }
    }
    async fn login(&self, user: &str, secret: &str) -> Result<Session, Failure> {
        let login = Login {
            server: "old".into(),
            address: self.server.address(),
            user: user.into(),
            password: Some(SecretRef::File(secret.into())),
            cover: Cover::Loopback,
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
    let row = rows.first().unwrap();
    assert_eq!((row.at(0), row.at(1), row.at(2)), (Some("SYSTEM"), Some("28800"), Some("5")));
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
    other.exec(cutover::domain::Sql::verbatim(format!("KILL {}", session.id())), LIMIT).await.unwrap();
    let failure = session.query("SELECT 1", LIMIT).await.unwrap_err();
    assert_eq!(failure.class, Class::Transient, "{failure}");
    assert!(failure.now.is_some() && !session.is_alive());
    assert!(session.try_query("SELECT 1", LIMIT).await.unwrap_err().lost);

    let mid = bench.session().await;
    let (result, ()) = tokio::join!(mid.try_query("SELECT SLEEP(20)", LIMIT), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        other.exec(cutover::domain::Sql::verbatim(format!("KILL {}", mid.id())), LIMIT).await.unwrap();
    });
    assert!(result.unwrap_err().lost && !mid.is_alive());
    assert!(session.left_running(), "nobody knows what came of the statement");

    let hung_up = bench.session().await;
    hung_up.hang_up();
    assert!(!hung_up.is_alive() && hung_up.try_query("SELECT 1", LIMIT).await.unwrap_err().lost);

    let (idle, busy) = (bench.session().await, bench.session().await);
    bench.server.freeze(true);
    let began = Instant::now();
    let error = other.try_query("SELECT 1", Duration::from_millis(300)).await.unwrap_err();
    assert!(error.lost && error.timed_out && error.unfinished && !other.is_alive() && other.left_running());
    assert!(began.elapsed() < Duration::from_secs(8));
    let (idle, busy, began) = (idle, Arc::new(busy), Instant::now());
    idle.close().await;
    assert!(began.elapsed() < Duration::from_secs(3) && !idle.left_running());
    let run = tokio::spawn({
        let busy = busy.clone();
        async move { busy.try_query("SELECT 1", Duration::from_mins(10)).await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let began = Instant::now();
    busy.close().await;
    assert!(began.elapsed() < Duration::from_secs(13), "{:?}", began.elapsed());
    assert!(run.await.unwrap().unwrap_err().lost && busy.left_running());
    bench.server.freeze(false);
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
    session.exec(stated("CREATE USER app@'127.0.0.1' IDENTIFIED BY '‹secret other›'"), LIMIT).await.unwrap();
    bench.login("app", "other").await.unwrap().close().await;
    for sql in [
        "CREATE USER x@y IDENTIFIED '‹secret other›'",
        "CREATE USER x@y IDENTIFIED BY '‹secret other›' nonsense '‹secret migrate›'",
        "SELECT `‹secret other›`",
        "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'it is ‹secret other›'",
        "CREATE USER app@'127.0.0.1' IDENTIFIED BY '‹secret other›'",
    ] {
        let failure = session.query(stated(sql), LIMIT).await.unwrap_err();
        assert!(!shows_a_secret(&format!("{failure:?} {failure}")), "{failure:?}");
        assert!(failure.attempted.contains("‹secret"), "{failure:?}");
    }
    let failure = session.query(stated("SELECT '‹secret nowhere›'"), LIMIT).await.unwrap_err();
    assert!(failure.answer.contains("nowhere"), "{failure}");

    session.exec("SET GLOBAL log_output = 'TABLE', general_log = ON", LIMIT).await.unwrap();
    let seen = bench.session().await;
    let statement = "SELECT  'as written' -- with its comment";
    seen.query(statement, LIMIT).await.unwrap();
    seen.close().await;
    let log = format!("SELECT command_type, argument FROM mysql.general_log WHERE thread_id = {}", seen.id());
    let mut rows = session.query(cutover::domain::Sql::verbatim(&log), LIMIT).await.unwrap();
    while rows.len() < 4 {
        rows = session.query(cutover::domain::Sql::verbatim(&log), LIMIT).await.unwrap(); // the server writes down the end a little later
    }
    let lines: Vec<_> = rows.iter().map(|row| (row.at(0).unwrap(), row.at(1).unwrap())).collect();
    assert_eq!(lines[0].0, "Connect");
    assert_eq!(lines[1..], [("Query", INIT), ("Query", statement), ("Quit", "")]);
}

/// A statement as a playbook states it, with markers for secrets.
fn stated(sql: &str) -> cutover::domain::Sql {
    cutover::domain::Sql::verbatim(cutover::domain::Private::of_document(sql))
}

/// The largest amount of memory that this process has held, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

async fn statements_left(session: &Session) -> Option<String> {
    let running = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'SELECT seq%'";
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let left = session.first_value(running, LIMIT).await.unwrap();
        if left.as_deref() == Some("0") || Instant::now() > deadline {
            return left;
        }
    }
}

#[tokio::test]
async fn no_answer_is_held_whole() {
    let bench = Bench::new().await;
    let (session, other) = (bench.session().await, bench.session().await);
    let few = MANY.replace("3000000", "300000");
    let before = peak();
    let minute = Duration::from_mins(1);
    assert_eq!(session.first_value(cutover::domain::Sql::verbatim(&few), minute).await.unwrap().as_deref(), Some("1"));
    assert_eq!(session.exec(cutover::domain::Sql::verbatim(&few), minute).await.unwrap(), 0);
    let failure = session.query(cutover::domain::Sql::verbatim(&few), minute).await.unwrap_err();
    assert_eq!((failure.class, session.is_alive()), (Class::Permanent, true), "{failure}");
    assert!(failure.answer.starts_with("the answer is larger than 16.0 MiB"), "{failure}");

    let tables =
        "SELECT CONCAT('database_', seq % 100, '.table_with_a_longer_name_', seq), seq FROM mysql.seq_1_to_100000";
    let tables = session.query(tables, LIMIT).await.unwrap();
    assert_eq!((tables.len(), tables.iter().last().unwrap().at(1)), (100_000, Some("100000")));
    drop(tables);

    let mut rows = session.rows(cutover::domain::Sql::verbatim(&few), minute);
    let (mut count, mut sum) = (0_u64, 0_u64);
    while let Some(row) = rows.next().await.unwrap() {
        count += 1;
        sum += row.at(0).unwrap().parse::<u64>().unwrap();
        assert_eq!(row.at(1).unwrap().len(), 1000);
    }
    assert_eq!((count, sum), (300_000, 45_000_150_000));
    assert!(rows.next().await.unwrap().is_none());
    assert!(peak() - before < 250 << 10, "{} KiB more than {before}", peak() - before); // 300 MB came by, four times; other tests run beside

    // A caller that goes away ends the statement, and nobody else gets its rows; so does one that is too slow.
    let mut rows = session.rows(MANY, minute);
    assert_eq!(rows.next().await.unwrap().unwrap().at(0), Some("1"));
    drop(rows);
    assert_eq!(session.query("SELECT 222", LIMIT).await.unwrap().value(), Some("222"));
    assert_eq!(statements_left(&other).await.as_deref(), Some("0"));
    let mut rows = session.rows(MANY, Duration::from_millis(300));
    assert_eq!(rows.next().await.unwrap().unwrap().at(0), Some("1"));
    tokio::time::sleep(Duration::from_millis(600)).await;
    let failure = loop {
        if let Err(failure) = rows.next().await.map(|row| row.map(|_| ())) {
            break failure;
        }
    };
    assert_eq!((failure.class, failure.answer.as_str()), (Class::Transient, "took longer than 300ms"));
    assert_eq!(session.query("SELECT 333", LIMIT).await.unwrap().value(), Some("333"));

    // A session that is hung up or closed in the middle of an answer does not read the rest of it.
    let mut rows = session.rows(MANY, minute);
    assert!(rows.next().await.unwrap().is_some());
    session.hang_up();
    assert_eq!(statements_left(&other).await.as_deref(), Some("0"));
    assert!(session.left_running());
    let closed = bench.session().await;
    let mut rows = closed.rows(MANY, minute);
    assert!(rows.next().await.unwrap().is_some());
    let began = Instant::now();
    closed.close().await;
    assert!(began.elapsed() < Duration::from_secs(2) && !closed.left_running(), "{:?}", began.elapsed());
    assert_eq!(statements_left(&other).await.as_deref(), Some("0"));
    let failure = closed.rows("SELECT 1", LIMIT).next().await.map(|_| ()).unwrap_err();
    assert_eq!(failure.answer, "the connection is closed");
}

#[tokio::test]
async fn a_value_or_a_row_that_is_too_large_is_a_permanent_failure() {
    let bench = Bench::with(&["max_allowed_packet = 128M"]).await;
    let session = bench.session().await;
    session.exec("CREATE DATABASE d", LIMIT).await.unwrap();
    session.exec("CREATE TABLE d.t (id INT PRIMARY KEY) AS SELECT 1 AS id", LIMIT).await.unwrap();
    let whole = session.first_value("SELECT REPEAT('x', 65536)", LIMIT).await.unwrap();
    assert_eq!(whole.map(|value| value.len()), Some(65_536));
    assert_eq!(session.first_value("SELECT NULL UNION ALL SELECT 2", LIMIT).await.unwrap(), None);
    assert_eq!(session.first_value("SELECT 1 FROM DUAL WHERE FALSE", LIMIT).await.unwrap(), None);
    assert_eq!(session.first_value("DO 1", LIMIT).await.unwrap(), None);
    let statement = "INSERT INTO d.t VALUES (2) RETURNING REPEAT('x', 65537)";
    let failure = session.first_value(statement, LIMIT).await.unwrap_err();
    assert_eq!(failure.class, Class::Permanent, "{failure}");
    assert!(failure.answer.contains("larger than 64.0 KiB") && failure.help.is_some(), "{failure}");
    let count = session.query("SELECT COUNT(*) FROM d.t", LIMIT).await.unwrap();
    assert_eq!(count.value(), Some("2"), "the statement ran to its end");

    let long = format!("SELECT '{}'", "x".repeat(5 << 20));
    let failure = session.exec(cutover::domain::Sql::verbatim(&long), LIMIT).await.unwrap_err();
    assert_eq!((failure.class, failure.now), (Class::Permanent, None));
    assert!(failure.answer.contains("larger than 4.0 MiB") && session.is_alive(), "{}", failure.answer);

    for much in ["5000000", "20000000", "60000000"] {
        let session = bench.session().await;
        let failure = session
            .first_value(cutover::domain::Sql::verbatim(format!("SELECT REPEAT('x', {much})")), LIMIT)
            .await
            .unwrap_err();
        assert_eq!((failure.class, session.is_alive()), (Class::Permanent, false), "{failure}");
        assert!(failure.answer.starts_with("a row of the answer is larger than 4.0 MiB"), "{failure}");
    }
    std::fs::write(bench.server.data_dir().join("rows"), "3\n").unwrap();
    session.exec("SET GLOBAL local_infile = ON", LIMIT).await.unwrap();
    let failure = session.exec("LOAD DATA LOCAL INFILE 'rows' INTO TABLE d.t", LIMIT).await.unwrap_err();
    assert_eq!(failure.class, Class::Permanent, "{failure}");
}

/// Settings that a server may have, and that change what statements mean.
const ODD: [&str; 14] = [
    "sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,STRICT_ALL_TABLES'",
    "autocommit = 0",
    "completion_type = 'RELEASE'",
    "max_statement_time = 1",
    "max_join_size = 10",
    "sql_select_limit = 3",
    "sql_safe_updates = 1",
    "sql_auto_is_null = 1",
    "sql_quote_show_create = 0",
    "group_concat_max_len = 4",
    "wait_timeout = 2",
    "idle_transaction_timeout = 1",
    "time_zone = '+05:00'",
    "lock_wait_timeout = 77",
];

#[tokio::test]
async fn our_statements_mean_the_same_whatever_the_servers_settings_are_and_the_users_see_them() {
    let bench = Bench::with(&["skip_character_set_client_handshake"]).await;
    let session = bench.session().await;
    for setting in ODD {
        session.exec(cutover::domain::Sql::verbatim(format!("SET GLOBAL {setting}")), LIMIT).await.unwrap();
    }
    let session = bench.session().await;
    session.exec("CREATE DATABASE d", LIMIT).await.unwrap();
    session
        .exec("CREATE TABLE d.t (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(40) CHARSET utf8mb4)", LIMIT)
        .await
        .unwrap();
    session.exec(r"INSERT INTO d.t (v) VALUES ('ü\\'), ('b'), ('c'), ('d'), ('e')", LIMIT).await.unwrap();
    tokio::time::sleep(Duration::from_millis(2_500)).await; // beyond wait_timeout
    assert_eq!(session.query("SELECT a.id FROM d.t a JOIN d.t b", LIMIT).await.unwrap().len(), 25);
    assert_eq!(session.query("SELECT v FROM d.t LIMIT 1", LIMIT).await.unwrap().value(), Some(r"ü\"));
    assert_eq!(session.query("SELECT 0 || 0", LIMIT).await.unwrap().value(), Some("0"));
    assert_eq!(session.query("SELECT SLEEP(1.5)", LIMIT).await.unwrap().value(), Some("0"), "not ended by the server");
    assert_eq!(session.query("SELECT GROUP_CONCAT(v) FROM d.t", LIMIT).await.unwrap().value(), Some(r"ü\,b,c,d,e"));
    let made = session.query("SHOW CREATE TABLE d.t", LIMIT).await.unwrap();
    assert!(made.first().unwrap().at(1).unwrap().contains("`id`"));
    assert_eq!(session.exec("DELETE FROM d.t WHERE v = 'e'", LIMIT).await.unwrap(), 1);
    session.exec("START TRANSACTION", LIMIT).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_500)).await; // beyond idle_transaction_timeout
    session.exec("COMMIT", LIMIT).await.unwrap();
    let seen = bench.session().await.query("SELECT COUNT(*) FROM d.t", LIMIT).await.unwrap();
    assert_eq!(seen.value(), Some("4"), "committed, and not disconnected");

    let own = Dialect::from(Product::from_version_text("10.11.6-MariaDB").unwrap()).servers_own_settings();
    session.exec(&own, LIMIT).await.unwrap();
    let ours = ["autocommit", "idle_transaction_timeout", "wait_timeout"];
    let session_values = "SELECT a.VARIABLE_NAME FROM information_schema.SYSTEM_VARIABLES a WHERE a.SESSION_VALUE <> \
        a.GLOBAL_VALUE AND a.VARIABLE_SCOPE = 'SESSION' AND a.VARIABLE_NAME NOT RLIKE '^(CHARACTER_SET|COLLATION)_' \
        ORDER BY 1";
    let big = format!("SET STATEMENT sql_select_limit = 1000, sql_big_selects = 1 FOR {session_values}");
    let differ = session.query(cutover::domain::Sql::verbatim(&big), LIMIT).await.unwrap();
    let differ: Vec<String> = differ.iter().filter_map(|row| row.at(0).map(str::to_lowercase)).collect();
    let touched = ["sql_select_limit", "sql_big_selects"]; // by the question itself
    let differ: Vec<&str> = differ.iter().map(String::as_str).filter(|name| !touched.contains(name)).collect();
    assert_eq!(differ, ours);
    let limits = session.query("SELECT @@sql_select_limit, @@sql_big_selects", LIMIT).await.unwrap();
    assert_eq!((limits.value(), limits.first().unwrap().at(1)), (Some("3"), Some("0")));

    // Backslashes are now characters as any other, and a secret is escaped accordingly.
    let (secret, plain) = ("SELECT '‹secret other›' AS \"a\"", "SELECT '‹secret migrate›', '\\'");
    assert_eq!(session.first_value(stated(secret), LIMIT).await.unwrap().as_deref(), Some(OTHER));
    assert_eq!(session.first_value(stated(plain), LIMIT).await.unwrap().as_deref(), Some(PASSWORD));
    let failure =
        session.exec(stated("SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'it is ‹secret other›'"), LIMIT).await;
    assert!(!shows_a_secret(&format!("{failure:?}")), "{failure:?}");
    session.exec("SET SESSION sql_mode = ''", LIMIT).await.unwrap();
    assert_eq!(session.first_value(stated("SELECT '‹secret other›'"), LIMIT).await.unwrap().as_deref(), Some(OTHER));
    assert_eq!(session.first_value(stated("SELECT \"‹secret other›\""), LIMIT).await.unwrap().as_deref(), Some(OTHER));
}

#[tokio::test]
async fn settings_on_mysql_and_rows_one_by_one() {
    if !skip::mysql().await {
        return;
    }
    let bench = Bench::of(Choice::Family(Family::MySql), &[]).await;
    let session = bench.session().await;
    session.exec("SET GLOBAL max_execution_time = 1000, GLOBAL sql_select_limit = 3", LIMIT).await.unwrap();
    session.exec("SET GLOBAL sql_mode = 'NO_BACKSLASH_ESCAPES', GLOBAL autocommit = 0", LIMIT).await.unwrap();
    let session = bench.session().await;
    let ask = "SELECT CONCAT_WS(' ', @@max_execution_time, @@sql_select_limit, @@sql_mode, @@autocommit)";
    let seen = async || session.first_value(ask, LIMIT).await.unwrap().unwrap();
    assert_eq!(seen().await, "0 18446744073709551615  1");
    let many = "SELECT /*+ SET_VAR(cte_max_recursion_depth = 2000000) */ seq, REPEAT('x', 1000) FROM \
                (WITH RECURSIVE s (seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM s WHERE seq < 100000) \
                SELECT seq FROM s) t";
    let mut rows = session.rows(many, Duration::from_mins(1));
    let mut count = 0;
    while rows.next().await.unwrap().is_some() {
        count += 1;
    }
    assert_eq!(count, 100_000);
    let failure = session.query(many, Duration::from_mins(1)).await.unwrap_err();
    assert!(failure.answer.starts_with("the answer is larger than 16.0 MiB") && session.is_alive(), "{failure}");
    let own = Dialect { product: bench.server.program().product }.servers_own_settings();
    session.exec(&own, LIMIT).await.unwrap();
    assert_eq!(seen().await, "1000 3 NO_BACKSLASH_ESCAPES 1");
    assert_eq!(session.first_value(stated("SELECT '‹secret other›'"), LIMIT).await.unwrap().as_deref(), Some(OTHER));
}

//! The rehearsal's application, its ledger and the judgement, against real servers.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use cutover::domain::secret::SecretRef;
use cutover::effects::{Cover, Login, Secrets, Session};
use cutover::rehearsal::application::{Application, Args, run};
use cutover::rehearsal::judge::{Side, judge};
use cutover::rehearsal::ledger::Ledger;
use cutover::rehearsal::server::{Choice, Profile, Server, Setup};
use cutover::rehearsal::shop;
use rustix::process::{Signal, getpid, kill_process};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::sleep;

const LIMIT: Duration = Duration::from_secs(10);
const ROWS: u64 = 120_000;

async fn server(folder: &Path, name: &str, profile: Profile) -> (Server, Session) {
    std::fs::write(folder.join("pw"), "migrate's word").unwrap();
    let setup = Setup {
        name: name.into(),
        dir: folder.join(name),
        program: Choice::default(),
        port: None,
        profile,
        password: "migrate's word".into(),
        options: Vec::new(),
    };
    let server = Server::start(setup).await.unwrap();
    let session = login(folder, &server).await;
    (server, session)
}

async fn login(folder: &Path, server: &Server) -> Session {
    let secret = SecretRef::File("pw".into());
    let secrets = Arc::new(Secrets::read([&secret], folder).unwrap());
    let login = Login {
        server: server.name().into(),
        address: server.address(),
        user: Server::ACCOUNT.into(),
        password: Some(secret),
        cover: Cover::Loopback,
    };
    Session::open(login, secrets).await.unwrap()
}

fn point(folder: &Path, server: &Server) {
    let port = server.port();
    let user = Server::ACCOUNT;
    let text = format!("DB_HOST=127.0.0.1\nDB_PORT={port}\nDB_USER={user}\nDB_PASSWORD_FILE=pw\nDB_NAME=shop\n");
    std::fs::write(folder.join("app.env"), text).unwrap();
}

fn args(folder: &Path, rate: u32) -> Args {
    let (config, ledger, pid_file) = (folder.join("app.env"), folder.join("ledger"), folder.join("app.pid"));
    Args { config, ledger, writers: 4, pid_file, rate, deaf: false }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_server_keeps_every_promise() {
    let folder = tempfile::tempdir().unwrap();
    let (server, session) = server(folder.path(), "old", Profile::Production).await;
    let began = Instant::now();
    shop::prepare(&session, ROWS).await.unwrap();
    eprintln!("{ROWS} rows in {:?}", began.elapsed());
    let objects = "SELECT (SELECT COUNT(*) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'shop'), \
                   (SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = 'shop'), \
                   (SELECT COUNT(*) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = 'shop')";
    let objects = session.query(objects, LIMIT).await.unwrap();
    let row = objects.first().unwrap();
    assert_eq!([row.at(0), row.at(1), row.at(2)], [Some("2"), Some("1"), Some("2")]);

    point(folder.path(), &server);
    let application = Application::start(&args(folder.path(), 400)).unwrap();
    sleep(Duration::from_secs(1)).await;
    application.reload().unwrap(); // to where it already is
    sleep(Duration::from_secs(1)).await;
    application.stop().await.unwrap();
    let ledger = Ledger::read(&folder.path().join("ledger")).unwrap();
    let address = server.address();
    let side = Side { session: Some(&session), endpoint: &address };
    let verdict = judge(&ledger, side, side).await.unwrap();
    eprintln!("{verdict:?}");
    assert!(verdict.acknowledged > 200, "{verdict:?}");
    assert!(verdict.is_good(), "{verdict:?}");
    assert_eq!((verdict.lost, verdict.on_source_after_fence, verdict.downtime_ms), (0, 0, None));
    assert!(verdict.rows_copied >= ROWS);

    // It goes on where it was, with numbers that were never used.
    let application = Application::start(&args(folder.path(), 0)).unwrap();
    sleep(Duration::from_millis(500)).await;
    server.restart().await.unwrap();
    sleep(Duration::from_millis(500)).await;
    application.stop().await.unwrap();
    let ledger = Ledger::read(&folder.path().join("ledger")).unwrap();
    let session = login(folder.path(), &server).await;
    let side = Side { session: Some(&session), ..side };
    let verdict = judge(&ledger, side, side).await.unwrap();
    eprintln!("{verdict:?}");
    assert!(verdict.is_good() && verdict.unknown > 0, "{verdict:?}");
    let mut keys: Vec<_> = ledger.acknowledged.iter().chain(&ledger.unknown).map(|e| (e.writer, e.seq)).collect();
    keys.sort_unstable();
    assert!(keys.windows(2).all(|pair| pair[0] != pair[1]));

    // One row taken away is one promise broken.
    session.exec("DELETE FROM shop.ledger ORDER BY writer DESC, seq LIMIT 1", LIMIT).await.unwrap();
    session.exec("UPDATE shop.accounts SET balance = balance + 1 WHERE id = 7", LIMIT).await.unwrap();
    let verdict = judge(&ledger, side, side).await.unwrap();
    assert_eq!((verdict.lost, verdict.balance_kept, verdict.is_good()), (1, false, false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_switch_without_replication_is_caught() {
    let folder = tempfile::tempdir().unwrap();
    let ((old, source), (new, target)) =
        tokio::join!(server(folder.path(), "old", Profile::Production), server(folder.path(), "new", Profile::Bare));
    tokio::try_join!(shop::prepare(&source, 1000), shop::prepare(&target, 1000)).unwrap();
    point(folder.path(), &old);
    let application = Application::start(&args(folder.path(), 1000)).unwrap();
    sleep(Duration::from_secs(1)).await;
    source.exec("SET GLOBAL read_only = ON", LIMIT).await.unwrap();
    sleep(Duration::from_millis(100)).await;
    point(folder.path(), &new);
    application.reload().unwrap();
    sleep(Duration::from_secs(1)).await;
    application.stop().await.unwrap();

    let ledger = Ledger::read(&folder.path().join("ledger")).unwrap();
    let (old_address, new_address) = (old.address(), new.address());
    assert_eq!(ledger.endpoints, [old_address.clone(), new_address.clone()]);
    let at_old = ledger.acknowledged.iter().filter(|ack| ack.endpoint == 0).count() as u64;
    let from = Side { session: Some(&source), endpoint: &old_address };
    let to = Side { session: Some(&target), endpoint: &new_address };
    let verdict = judge(&ledger, from, to).await.unwrap();
    eprintln!("{verdict:?}");
    assert!(at_old > 10 && verdict.acknowledged > at_old + 10, "{verdict:?}");
    assert_eq!(verdict.lost, at_old);
    assert!(verdict.on_source_after_fence >= at_old && !verdict.is_good());
    assert!(verdict.balance_kept);

    // A source that is out of reach, and a target that is.
    let unreached = judge(&ledger, Side { session: None, ..from }, to).await.unwrap();
    assert_eq!(unreached.lost, at_old);
    let nothing = judge(&ledger, from, Side { session: None, ..to }).await.unwrap();
    assert_eq!(nothing.lost, nothing.acknowledged);
    let downtime = verdict.downtime_ms.unwrap();
    assert!(downtime > 0.0 && downtime < 2000.0, "{verdict:?}");

    // The table is not there at all: a run that ended before the import.
    target.exec("DROP DATABASE shop", LIMIT).await.unwrap();
    let verdict = judge(&ledger, from, to).await.unwrap();
    assert_eq!(verdict.lost, verdict.acknowledged);
}

/// The signals go to the whole test process, which has handlers for them from the moment the pid file is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_obeys_signals() {
    let folder = tempfile::tempdir().unwrap();
    let (server, session) = server(folder.path(), "old", Profile::Bare).await;
    shop::prepare(&session, 100).await.unwrap();
    point(folder.path(), &server);
    let args = args(folder.path(), 200);
    let service = tokio::spawn({
        let args = args.clone();
        async move { run(&args).await }
    });
    while !args.pid_file.exists() {
        sleep(Duration::from_millis(5)).await;
    }
    sleep(Duration::from_millis(300)).await;
    let connections = "SELECT COUNT(*), MIN(ID) FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID()";
    let before = session.query(connections, LIMIT).await.unwrap();
    kill_process(getpid(), Signal::HUP).unwrap();
    sleep(Duration::from_millis(300)).await;
    let after = session.query(connections, LIMIT).await.unwrap();
    assert_eq!((before.value(), after.value()), (Some("4"), Some("4")));
    assert_ne!(before.first().unwrap().at(1), after.first().unwrap().at(1), "every writer has a new connection");
    kill_process(getpid(), Signal::TERM).unwrap();
    service.await.unwrap().unwrap();
    assert!(!args.pid_file.exists());
    assert!(Ledger::read(&args.ledger).unwrap().acknowledged.len() > 50);
}

//! The dialect: by table for every version with a vocabulary of its own, and word for word on a real server.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod cells;
mod definers;

use cutover::dialect::{ChangeSource, ChannelTls, Dialect, Gtid, OwnDatabase, StartAt, lock};
use cutover::domain::product::{Family, Product};
use cutover::domain::secret::SecretRef;
use cutover::domain::sql::{account, number};
use cutover::domain::{Sql, Words};
use cutover::effects::{Cover, Login, Row, Secrets, Session, past_read_only};
use cutover::rehearsal::server::{Choice, Profile, Server, Setup};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(20);

fn mysql(version: &str) -> Dialect {
    Dialect::from(Product { family: Family::MySql, version: version.parse().unwrap() })
}

fn mariadb(version: &str) -> Dialect {
    Dialect::from(Product { family: Family::MariaDb, version: version.parse().unwrap() })
}

fn to(port: &str) -> ChangeSource {
    ChangeSource {
        host: "127.0.0.1".into(),
        port: port.into(),
        user: "repl".into(),
        password: (&SecretRef::Env("pw".into())).into(),
        start: StartAt::Position { file: "binlog.000004".into(), offset: "543".into() },
        tls: ChannelTls::None,
    }
}

#[test]
fn a_channel_says_everything_that_has_a_changing_default() {
    assert_eq!(
        mysql("9.7").change_source(&to("3307")).to_string(),
        "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = 3307, SOURCE_USER = 'repl', \
         SOURCE_PASSWORD = '‹secret pw›', SOURCE_LOG_FILE = 'binlog.000004', SOURCE_LOG_POS = 543, \
         SOURCE_AUTO_POSITION = 0, SOURCE_HEARTBEAT_PERIOD = 2, SOURCE_CONNECT_RETRY = 1, SOURCE_RETRY_COUNT = 500000, \
         SOURCE_SSL = 0, SOURCE_SSL_VERIFY_SERVER_CERT = 0, GET_SOURCE_PUBLIC_KEY = 1"
    );
    assert_eq!(
        mariadb("10.11").change_source(&to("3307")).to_string(),
        "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = 3307, MASTER_USER = 'repl', \
         MASTER_PASSWORD = '‹secret pw›', MASTER_LOG_FILE = 'binlog.000004', MASTER_LOG_POS = 543, \
         MASTER_USE_GTID = no, MASTER_HEARTBEAT_PERIOD = 2, MASTER_CONNECT_RETRY = 1, \
         MASTER_SSL = 0, MASTER_SSL_VERIFY_SERVER_CERT = 0"
    );
    let old = mysql("5.7").change_source(&to("3307")).to_string();
    assert!(old.contains("MASTER_AUTO_POSITION = 0") && old.contains("MASTER_RETRY_COUNT"), "{old}");
    assert!(
        !old.contains("PUBLIC_KEY")
            && mysql("8.0.21").change_source(&to("1")).to_string().contains("GET_MASTER_PUBLIC_KEY")
    );
    assert!(mariadb("12.0.2").change_source(&to("1")).to_string().contains("MASTER_RETRY_COUNT"));
}

#[test]
fn gtid_and_tls_and_run_time_values() {
    let gtid = ChangeSource {
        start: StartAt::Gtid,
        tls: ChannelTls::Verified { ca: Some("/etc/ca.pem".into()) },
        port: Words::late("steps.tunnel.port"),
        ..to("")
    };
    let (new, old) = (mysql("8.4").change_source(&gtid).to_string(), mariadb("11.4").change_source(&gtid).to_string());
    assert!(new.contains("SOURCE_AUTO_POSITION = 1") && !new.contains("LOG_POS"), "{new}");
    assert!(new.contains("SOURCE_PORT = ‹steps.tunnel.port›,"), "{new}");
    assert!(old.contains("MASTER_USE_GTID = slave_pos") && !old.contains("LOG_FILE"), "{old}");
    assert!(old.contains("MASTER_SSL = 1, MASTER_SSL_VERIFY_SERVER_CERT = 1, MASTER_SSL_CA = '/etc/ca.pem'"), "{old}");
    assert_eq!(mariadb("10.6").set_gtid_start("0-1-5").to_string(), "SET GLOBAL gtid_slave_pos = '0-1-5'");
    assert_eq!(mysql("8.0").set_gtid_start("a:1-5").to_string(), "SET GLOBAL gtid_purged = '+a:1-5'");
    assert_eq!(mariadb("10.6").wait_for_gtid("0-1-5", 1).to_string(), "SELECT MASTER_GTID_WAIT('0-1-5', 1)");
}

#[test]
fn the_strongest_fence_there_is() {
    for version in ["5.7", "5.7.8", "8.0.21", "8.4", "9.7"] {
        assert!(mysql(version).strongest_fence().close.contains("super_read_only"), "{version}");
    }
    for version in ["5.6", "5.7.7"] {
        let fence = mysql(version).strongest_fence();
        assert_eq!((fence.close, fence.held_by_session), ("FLUSH TABLES WITH READ LOCK", true), "{version}");
    }
    for version in ["10.4", "10.6", "10.11", "11.4", "11.8"] {
        let fence = mariadb(version).strongest_fence();
        assert_eq!((fence.close, fence.held_by_session), ("FLUSH TABLES WITH READ LOCK", true), "{version}");
    }
    let fence = mariadb("12.0").strongest_fence();
    assert_eq!((fence.close, fence.held_by_session), ("SET GLOBAL read_only = NO_LOCK_NO_ADMIN", false));
    assert_eq!((Dialect::closed("NO_LOCK_NO_ADMIN"), Dialect::closed("1")), (Some(true), Some(true)));
    assert_eq!((Dialect::closed("OFF"), Dialect::closed("0")), (Some(false), Some(false)));
    assert_eq!((Dialect::closed(""), Dialect::closed("NULL")), (None, None));
}

fn both(d: Dialect, read_only: &str, administrators: Option<&str>) -> String {
    Sql::join(d.restore_read_only(read_only, administrators.map(Words::from)), "; ").to_string()
}

/// Undo knows only words that the server knows, and every value that a server can have comes back.
#[test]
fn a_server_is_opened_as_far_as_it_was_open() {
    for version in ["5.6", "5.7.7"] {
        let d = mysql(version);
        assert_eq!((d.super_read_only(), d.close_replica()), (None, "SET GLOBAL read_only = ON"), "{version}");
        assert_eq!(both(d, "0", None), "SET GLOBAL read_only = 0", "{version}");
        assert_eq!(both(d, "0", Some("0")), "SET GLOBAL read_only = 0", "{version}");
        assert!(!d.closed_after_restart().iter().any(|(name, _)| name.contains("super")), "{version}");
    }
    for version in ["5.7", "5.7.8", "8.0", "9.7"] {
        let d = mysql(version);
        let both = |read_only, administrators| both(d, read_only, Some(administrators));
        assert_eq!(both("1", "0"), "SET GLOBAL super_read_only = 0; SET GLOBAL read_only = 1", "{version}");
        assert_eq!(both("1", "1"), "SET GLOBAL super_read_only = 1; SET GLOBAL read_only = 1", "{version}");
        assert!(d.closed_after_restart().contains(&("super_read_only", "ON")), "{version}");
        assert_eq!(d.persists(), !version.starts_with('5'), "{version}");
    }
    for version in ["10.3", "10.5", "10.11", "11.8", "12.3"] {
        let d = mariadb(version);
        assert_eq!((d.super_read_only(), d.persists()), (None, false), "{version}");
        for value in ["OFF", "ON", "NO_LOCK", "NO_LOCK_NO_ADMIN"] {
            assert_eq!(both(d, value, None), format!("SET GLOBAL read_only = '{value}'"), "{version}");
        }
        let strong = d.closed_after_restart().contains(&("read_only", "NO_LOCK_NO_ADMIN"));
        assert_eq!(strong, version == "12.3", "{version}");
        assert_eq!(d.account_lock(), version != "10.3", "{version}");
    }
    assert_eq!(mysql("8.0").persist("super_read_only", "ON").to_string(), "SET PERSIST super_read_only = 'ON'");
    assert_eq!(mysql("8.0").forget_persisted("read_only").to_string(), "RESET PERSIST IF EXISTS read_only");
    let locked = mariadb("10.11").lock_accounts(Sql::join([account("it's", "%"), account("b", "10.%")], ", "));
    assert_eq!(locked.to_string(), "ALTER USER IF EXISTS 'it''s'@'%', 'b'@'10.%' ACCOUNT LOCK");
}

/// Who gets past `read_only`, and where code of others counts.
#[test]
fn what_gets_past_read_only_differs() {
    let asked = |d: Dialect| d.accounts_past_read_only().to_string();
    assert!(asked(mariadb("10.11")).contains("< 101100") && !asked(mariadb("10.6")).contains("101100"));
    assert!(asked(mariadb("10.3")).contains("Super_priv") && asked(mysql("8.0")).contains("CONNECTION_ADMIN"));
    assert!(asked(mysql("5.7")).contains("account_locked") && !asked(mysql("5.6")).contains("account_locked"));
    assert!(mysql("5.7").role_members().is_none() && mysql("8.0").mandatory_roles().is_some());
    assert!(mariadb("11.8").callers_of_definers().is_some() && mariadb("12.3").callers_of_definers().is_none());
    assert!(mysql("9.7").callers_of_definers().is_none(), "super_read_only stops whoever calls");
}

#[test]
fn values_are_spelled_for_the_server() {
    let d = mariadb("10.11");
    assert_eq!(d.set_variable("max_allowed_packet", "1G").to_string(), "SET GLOBAL max_allowed_packet = 1073741824");
    assert_eq!(d.set_variable("event_scheduler", "OFF").to_string(), "SET GLOBAL event_scheduler = 'OFF'");
    assert_eq!(d.set_variable("long_query_time", "0.5").to_string(), "SET GLOBAL long_query_time = 0.5");
    assert_eq!(d.set_variable("init_connect", "it's").to_string(), "SET GLOBAL init_connect = 'it''s'");
    assert_eq!(d.set_variable("x", Words::late("x before")).to_string(), "SET GLOBAL x = ‹x before›");
    assert_eq!((d.dump_programs()[0], mysql("9.7").dump_programs()), ("mariadb-dump", &["mysqldump"][..]));
    assert!(mysql("5.7").dump_flags_by_program(Gtid::Off).iter().any(|[_, flag, _]| *flag == "--set-gtid-purged=OFF"));
    assert!(mysql("8.0").persisted_variables(&["a"]).is_some() && d.persisted_variables(&["a"]).is_none());
}

struct Bench {
    source: Server,
    replica: Server,
    secrets: Arc<Secrets>,
    _folder: TempDir,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("pw"), "it's\\geheim").unwrap();
        let setup = |name: &str, id: &str| Setup {
            name: name.into(),
            dir: folder.path().join(name),
            program: Choice::default(),
            port: None,
            profile: Profile::Production,
            password: "it's\\geheim".into(),
            options: vec![format!("server_id = {id}"), "innodb_buffer_pool_size = 64M".into()],
        };
        let (source, replica) = tokio::join!(Server::start(setup("s", "1")), Server::start(setup("r", "2")));
        let secrets = Arc::new(Secrets::read(&[SecretRef::File("pw".into())], folder.path()).unwrap());
        Self { source: source.unwrap(), replica: replica.unwrap(), secrets, _folder: folder }
    }
    async fn session(&self, server: &Server, user: &str) -> Session {
        let password = Some(SecretRef::File("pw".into()));
        let login = Login {
            server: "s".into(),
            address: server.address(),
            user: user.into(),
            password,
            cover: Cover::Loopback,
        };
        Session::open(login, self.secrets.clone()).await.unwrap()
    }
}

async fn value(session: &Session, sql: impl Into<Sql>) -> Option<String> {
    session.query(sql.into(), LIMIT).await.unwrap().value().map(str::to_owned)
}

async fn run(session: &Session, statements: impl IntoIterator<Item = impl Into<Sql>>) {
    for statement in statements {
        let statement = statement.into();
        session.query(&statement, LIMIT).await.unwrap_or_else(|failure| panic!("{statement}: {failure}"));
    }
}

#[tokio::test]
async fn replication_from_the_first_statement_to_the_last() {
    let bench = Bench::new().await;
    let d = mariadb("10.11");
    let source = bench.session(&bench.source, Server::ACCOUNT).await;
    let replica = bench.session(&bench.replica, Server::ACCOUNT).await;
    run(&source, [d.without_binlog()]).await;
    run(&source, d.create_replication_account("repl", "127.0.0.1", &SecretRef::Env("pw".into()), false)).await;
    assert_eq!(value(&source, d.account_exists("repl", "127.0.0.1")).await.as_deref(), Some("1"));
    let grants = value(&source, d.show_grants("repl", "127.0.0.1")).await.unwrap();
    assert!(grants.starts_with("GRANT REPLICATION SLAVE ON *.*"), "{grants}");
    run(&source, [d.show_create_account("repl", "127.0.0.1"), d.accounts().into()]).await;
    run(&source, ["SET SESSION sql_log_bin = 1"]).await;

    let at = source.query(d.binlog_position(), LIMIT).await.unwrap();
    let at = at.first().unwrap();
    let (file, offset) = (at.get("File").unwrap(), at.get("Position").unwrap());
    let port = bench.source.port().to_string();
    let to = ChangeSource { start: StartAt::Position { file: file.into(), offset: offset.into() }, ..to(&port) };
    run(&replica, [d.change_source(&to), d.start_replica()]).await;

    run(&source, d.create_token_table()).await;
    run(&source, [d.write_token("run-1", "lag", "7"), d.write_token("run-1", "lag", "8")]).await;
    let end = source.query(d.binlog_position(), LIMIT).await.unwrap();
    let end = end.first().unwrap();
    let (file, offset) = (end.get("File").unwrap(), end.get("Position").unwrap());
    let waited = value(&replica, &d.wait_for_position(file, offset, 15)).await.unwrap();
    assert!(waited.parse::<i64>().unwrap() >= 0, "{waited}");
    assert_eq!(value(&replica, &d.read_token("run-1", "lag")).await.as_deref(), Some("8"));
    let gtid = value(&source, d.gtid_position()).await.unwrap();
    assert_eq!(value(&replica, &d.wait_for_gtid(&gtid, 1)).await.as_deref(), Some("0"));

    let status = replica.query(&d.replica_status(), LIMIT).await.unwrap();
    let (row, columns) = (status.first().unwrap(), d.status_columns());
    for (column, wanted) in [
        (columns.io_running, "Yes"),
        (columns.sql_running, "Yes"),
        (columns.exec_file, file),
        (columns.exec_pos, offset),
        (columns.read_file, file),
        (columns.read_pos, offset),
        (columns.source_host, "127.0.0.1"),
        (columns.source_port, port.as_str()),
        (columns.source_user, "repl"),
        (columns.source_server_id, "1"),
        (columns.last_io_errno, "0"),
        (columns.last_io_error, ""),
        (columns.last_sql_errno, "0"),
        (columns.last_sql_error, ""),
        (columns.seconds_behind, "0"),
        (d.gtid_column().0, d.gtid_column().1),
    ] {
        assert_eq!(row.get(column), Some(wanted), "{column}");
    }
    assert!(row.get(columns.io_state).is_some());
    let open = replica.query(d.open_temp_tables(), LIMIT).await.unwrap();
    assert_eq!(open.first().and_then(|row| row.get("Value")), Some("0"));

    run(&replica, [d.stop_applier(), d.start_applier(), d.stop_receiver()]).await;
    run(&replica, [d.stop_replica(), d.reset_replica_all()]).await;
    assert!(replica.query(&d.replica_status(), LIMIT).await.unwrap().is_empty());
    let gone = value(&replica, &d.wait_for_position(file, offset, 1)).await;
    assert_eq!(gone, None, "a wait without a channel is NULL, never 0");
    run(&source, [d.drop_account("repl", "127.0.0.1"), d.binary_logs().into()]).await;
    run(&source, d.remove_own(OwnDatabase::Tokens)).await;
}

#[tokio::test]
async fn fencing_catalog_and_locks() {
    let bench = Bench::new().await;
    let d = mariadb("10.11");
    let tool = bench.session(&bench.source, Server::ACCOUNT).await;
    let password = "'it''s\\\\geheim'";
    run(
        &tool,
        [
            &*format!("CREATE USER app@'127.0.0.1' IDENTIFIED BY {password}"),
            "GRANT ALL ON shop.* TO app@'127.0.0.1'",
            "CREATE DATABASE shop",
            "CREATE TABLE shop.a (id INT PRIMARY KEY, t TEXT) ENGINE = InnoDB",
            "CREATE TABLE shop.b (id INT) ENGINE = MyISAM",
        ]
        .map(Sql::verbatim),
    )
    .await;
    let app = bench.session(&bench.source, "app").await;
    run(&app, ["BEGIN", "INSERT INTO shop.a VALUES (1, 'x')"]).await;
    let id = |row: Row<'_>| row.get("id").unwrap().to_owned();

    let writing = tool.query(&d.writing_transactions(), LIMIT).await.unwrap();
    assert_eq!(writing.iter().map(id).collect::<Vec<_>>(), [app.id().to_string()]);
    assert_eq!(writing.first().unwrap().get("rows_modified"), Some("1"));
    assert!(tool.query(&d.open_transactions(60), LIMIT).await.unwrap().is_empty());
    let clients = tool.query(&d.killable_clients(None), LIMIT).await.unwrap();
    assert_eq!(clients.iter().map(id).collect::<Vec<_>>(), [app.id().to_string()], "not ourselves");
    let kept = tool.query(&d.killable_clients(Some(number(app.id()))), LIMIT).await.unwrap();
    assert!(kept.is_empty());

    assert_eq!(Dialect::closed(&value(&tool, d.read_only()).await.unwrap()), Some(false));
    run(&tool, [d.lock_wait_timeout(5), d.set_read_only().into()]).await;
    assert_eq!(Dialect::closed(&value(&tool, d.read_only()).await.unwrap()), Some(true));
    assert!(app.query("COMMIT", LIMIT).await.is_err(), "an open transaction is not acknowledged");
    let fence = d.strongest_fence();
    run(&tool, [fence.close, fence.open]).await;
    let app_id = app.id().to_string();
    assert_eq!(value(&tool, &d.connection_exists(&app_id)).await.as_deref(), Some("1"));
    run(&tool, [d.kill(&app_id)]).await;
    assert!(app.query("SELECT 1", LIMIT).await.is_err());
    run(&tool, [d.clear_read_only(), d.close_replica(), d.clear_read_only()]).await;
    run(&tool, [d.set_event_scheduler(true), d.set_event_scheduler(false), d.prepared_transactions()]).await;
    assert_eq!(value(&tool, d.event_scheduler()).await.as_deref(), Some("OFF"));
    let bypassers = past_read_only::look(&tool, d).await.unwrap();
    let names: Vec<_> = bypassers.iter().map(|one| one.account.to_string()).collect();
    assert!(names.contains(&"migrate@127.0.0.1".to_owned()), "{names:?}");
    assert!(!names.iter().any(|name| name.contains("app")), "{names:?}");

    let none: [&str; 0] = [];
    let column = |rows: &cutover::effects::Rows| -> Vec<String> {
        rows.iter().map(|row| row.get("name").unwrap().to_owned()).collect()
    };
    assert_eq!(column(&tool.query(&d.user_databases(), LIMIT).await.unwrap()), ["shop"]);
    assert_eq!(column(&tool.query(&d.existing_databases(&["shop", "no"]), LIMIT).await.unwrap()), ["shop"]);
    assert_eq!(column(&tool.query(&d.tables_outside_snapshot(&none), LIMIT).await.unwrap()), ["shop.b"]);
    assert_eq!(column(&tool.query(&d.tables_without_key(&["shop"]), LIMIT).await.unwrap()), ["shop.b"]);
    assert_eq!(column(&tool.query(&d.tables(&["shop"]), LIMIT).await.unwrap()), ["shop.a", "shop.b"]);
    let size = tool.query(&d.total_size(&none), LIMIT).await.unwrap();
    let size = size.first().unwrap();
    assert_eq!(size.get("tables"), Some("2"));
    assert!(size.get("bytes").unwrap().parse::<u64>().unwrap() >= 16384);

    let other = bench.session(&bench.source, Server::ACCOUNT).await;
    for taking in [lock::mark("r1", "2"), lock::take("cutover")] {
        assert_eq!(value(&tool, &taking).await.as_deref(), Some("1"));
        assert_eq!(value(&other, &taking).await.as_deref(), Some("0"));
    }
    assert_eq!(value(&tool, lock::is_ours("r1", "2")).await.as_deref(), Some("1"));
    assert_eq!(value(&other, lock::is_ours("r1", "2")).await.as_deref(), Some("0"));
    let holder = value(&other, lock::HOLDERS).await.unwrap();
    let about = other.query(&lock::who(&holder, "r1"), LIMIT).await.unwrap();
    let about = about.first().unwrap();
    assert!(about.get("account").unwrap().starts_with("migrate@127.0.0.1"));
    assert_eq!((about.get("runner"), about.get("same_run")), (Some("1"), Some("1")));
    assert_eq!(value(&other, lock::RUNNERS).await.as_deref(), Some(holder.as_str()), "`other` is marked too, later");
    assert_eq!(value(&other, lock::register(&holder, "r1", "2")).await.as_deref(), Some("1"));
    run(&other, [lock::end(&holder)]).await;
    while value(&other, lock::is_there(&holder)).await.as_deref() != Some("0") {}
    assert_eq!(value(&other, lock::register(&holder, "r1", "2")).await.as_deref(), None, "nobody holds the lease");
    let tool = bench.session(&bench.source, Server::ACCOUNT).await;
    run(&tool, [Sql::verbatim(d.load_session())]).await;
    assert_eq!(value(&tool, d.current_account()).await.as_deref(), Some("migrate@127.0.0.1"));
    assert!(value(&tool, d.version()).await.unwrap().contains("MariaDB"));
    run(&tool, [d.set_variable(d.replica_workers(), "2"), d.read_variable(d.replica_net_timeout())]).await;
}

//! `templates/my.cnf.j2`: what it says for each family and version, and that a real server agrees.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use cutover::domain::secret::SecretRef;
use cutover::effects::{Cover, Login, Secrets, Session};
use cutover::kinds::{Action, find};
use cutover::playbook::template::Templates;
use cutover::playbook::world::World;
use cutover::rehearsal::server::{self, Choice, Server, Setup};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const TEMPLATE: &str = include_str!("../templates/my.cnf.j2");

fn world(server: &Value) -> World {
    let inventory = json!({
        "hosts": { "new": { "facts": { "memory": "32GiB", "cpus": 8 } }, "unknown": {} },
        "servers": { "target": server },
    });
    World {
        inventory: serde_json::from_value(inventory).unwrap(),
        templates: Templates([("my.cnf.j2".to_owned(), TEMPLATE.to_owned())].into()),
    }
}

fn server(family: &str, version: &str) -> Value {
    json!({
        "host": "new", "address": "127.0.0.1:3306", "user": "migrate", "config_file": "/etc/mysql/my.cnf",
        "data_dir": "/var/lib/mysql", "log_dir": "/var/log/mysql", "server_id": 2, "family": family, "version": version,
    })
}

fn render(server: &Value, profile: &str) -> String {
    let with = json!({ "template": "my.cnf.j2", "server": "target", "profile": profile });
    let step = (find("render").unwrap().decode)(&with).unwrap();
    let actions = step.preview(&world(server)).unwrap();
    let content = |action| match action {
        Action::File { content, .. } => Some(content.to_string()),
        _ => None,
    };
    actions.into_iter().find_map(content).unwrap()
}

/// Names that the file sets, with their values.
fn lines(text: &str) -> Vec<(String, String)> {
    let server = text.split_once("[mysqld]\n").unwrap().1;
    server
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| line.split_once('=').unwrap_or_else(|| panic!("not a setting: {line}")))
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .collect()
}

fn value(text: &str, name: &str) -> Option<String> {
    lines(text).into_iter().rfind(|(other, _)| other == name).map(|(_, value)| value)
}

#[test]
fn the_example_of_the_procedure() {
    let text = render(&server("mariadb", "10.11"), "import");
    for (name, wanted) in [
        ("innodb_buffer_pool_size", "24G"),
        ("innodb_log_file_size", "6G"),
        ("innodb_write_io_threads", "8"),
        ("innodb_flush_log_at_trx_commit", "2"),
        ("server_id", "2"),
        ("log_bin", "/var/log/mysql/mysql-bin"),
        ("binlog_format", "ROW"),
        ("read_only", "ON"),
        ("event_scheduler", "OFF"),
        ("slave_parallel_threads", "8"),
    ] {
        assert_eq!(value(&text, name).as_deref(), Some(wanted), "{name}");
    }
}

#[test]
fn profiles_differ_in_four_settings_only() {
    for (family, version) in [("mariadb", "10.11"), ("mysql", "9.7")] {
        let server = server(family, version);
        let (import, production) = (lines(&render(&server, "import")), lines(&render(&server, "production")));
        let only = |a: &[(String, String)], b: &[(String, String)]| -> Vec<String> {
            a.iter().filter(|line| !b.contains(line)).map(|(name, value)| format!("{name}={value}")).collect()
        };
        assert_eq!(
            only(&import, &production),
            ["innodb_flush_log_at_trx_commit=2", "sync_binlog=0", "read_only=ON", "event_scheduler=OFF"]
        );
        assert_eq!(only(&production, &import), ["innodb_flush_log_at_trx_commit=1", "sync_binlog=1"]);
    }
}

/// Section 1.9 of the rulebook: from which version on a server no longer knows a name, or does not know it yet.
#[test]
fn no_server_is_given_a_variable_it_does_not_know() {
    let new_names = ["replica_", "skip_replica_start", "log_replica_updates", "innodb_redo_log_capacity", "super_read"];
    let old_names = ["slave_", "skip_slave_start", "log_slave_updates", "innodb_log_file"];
    let cases: [(&str, &str, Vec<&str>); 12] = [
        ("mysql", "5.7", [&new_names[..], &["binlog_expire_logs_seconds"]].concat()),
        ("mysql", "8.0.21", [&new_names[..], &["expire_logs_days", "query_cache", "innodb_file_format"]].concat()),
        ("mysql", "8.0.22", new_names.to_vec()),
        ("mysql", "8.0.26", vec!["slave", "innodb_redo_log_capacity", "expire_logs_days"]),
        ("mysql", "8.0.30", vec!["slave", "innodb_log_file", "expire_logs_days", "_info_repository"]),
        ("mysql", "8.4", [&old_names[..], &["expire_logs_days", "_info_repository", "binlog_format"]].concat()),
        ("mysql", "9.7", [&old_names[..], &["expire_logs_days", "_info_repository", "binlog_format"]].concat()),
        ("mysql", "26.7", [&old_names[..], &["expire_logs_days", "_info_repository", "binlog_format"]].concat()),
        ("mariadb", "10.6", vec!["replica", "redo_log", "instances", "files_in_group", "flush_method", "gtid_mode"]),
        ("mariadb", "10.11", vec!["replica", "redo_log", "instances", "files_in_group", "flush_method", "gtid_mode"]),
        ("mariadb", "11.8", vec!["replica", "redo_log", "instances", "files_in_group", "flush_method", "super_read"]),
        ("mariadb", "12.0", vec!["replica", "redo_log", "instances", "files_in_group", "flush_method", "big_tables"]),
    ];
    for (family, version, forbidden) in cases {
        for profile in ["import", "production"] {
            let names: Vec<String> =
                lines(&render(&server(family, version), profile)).into_iter().map(|l| l.0).collect();
            for word in &forbidden {
                let found =
                    names.iter().find(|name| name.starts_with(word) || name.ends_with(word) || name.contains(word));
                assert_eq!(found, None, "{family} {version} {profile} does not know {word}");
            }
            assert!(names.iter().any(|name| name == "log_bin"), "{family} {version}");
        }
    }
}

#[test]
fn what_is_particular_to_the_server_is_kept_and_wins() {
    let mut server = server("mariadb", "10.11");
    server["settings"] = json!({ "socket": "/run/s.sock", "max_connections": 500, "skip_name_resolve": true,
                                 "init_connect": "SET @a = 1 # x" });
    server["endpoint"] = json!("10.0.0.2:3306");
    let text = render(&server, "production");
    assert!(text.contains("[client]\nport   = 3306\nsocket = /run/s.sock\n"), "{text}");
    assert!(
        text.ends_with(
            "init_connect = \"SET @a = 1 # x\"\nmax_connections = 500\nskip_name_resolve = ON\nsocket = /run/s.sock\n"
        ),
        "{text}"
    );
    assert_eq!(value(&text, "bind_address").as_deref(), Some("*"));
}

#[test]
fn sizes_of_an_unknown_machine_are_filled_in_later() {
    let mut server = server("mariadb", "10.11");
    server["host"] = json!("unknown");
    let text = render(&server, "import");
    assert_eq!(value(&text, "innodb_buffer_pool_size").as_deref(), Some("‹hosts.unknown.buffer_pool_size›"));
}

#[test]
fn faults_of_a_template_name_it_and_its_line() {
    let mut world = world(&server("mariadb", "10.11"));
    world.templates.0.insert("bad.j2".into(), "[mysqld]\nport = {{ server.prot }}\n".into());
    let with = json!({ "template": "bad.j2", "server": "target" });
    let step = (find("render").unwrap().decode)(&with).unwrap();
    let complaints = step.preview(&world).unwrap_err();
    assert_eq!(complaints[0].field, "template");
    assert!(complaints[0].message.starts_with("bad.j2, line 2: this value does not exist"), "{complaints:?}");
}

#[test]
fn a_mysql_of_unknown_version_is_refused() {
    let mut server = server("mysql", "8.4");
    server.as_object_mut().unwrap().remove("version");
    let with = json!({ "template": "my.cnf.j2", "server": "target" });
    let step = (find("render").unwrap().decode)(&with).unwrap();
    assert!(step.preview(&world(&server)).unwrap_err()[0].message.contains("version of server `target`"));
}

#[tokio::test]
async fn a_real_server_starts_with_either_profile_and_means_the_same() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pw"), "geheim").unwrap();
    let secrets = Arc::new(Secrets::read(&[SecretRef::File("pw".into())], folder.path()).unwrap());
    let real = Server::start(Setup {
        name: "target".into(),
        dir: folder.path().join("t"),
        program: Choice::default(),
        port: None,
        profile: server::Profile::Bare,
        password: "geheim".into(),
        options: Vec::new(),
    })
    .await
    .unwrap();
    let mut server = server("mariadb", "10.11");
    server["address"] = json!(real.address());
    server["data_dir"] = json!(real.data_dir());
    server["log_dir"] = json!(real.data_dir());
    server["settings"] = json!({ "innodb_buffer_pool_size": "128M", "innodb_log_file_size": "64M" });
    for profile in ["import", "production"] {
        let text = render(&server, profile);
        std::fs::write(real.config_file(), &text).unwrap();
        real.restart().await.unwrap();
        let login = Login {
            server: "target".into(),
            address: real.address(),
            user: Server::ACCOUNT.into(),
            password: Some(SecretRef::File("pw".into())),
            cover: Cover::Loopback,
        };
        let session = Session::open(login, secrets.clone()).await.unwrap();
        let rows = session.query("SHOW GLOBAL VARIABLES", Duration::from_secs(10)).await.unwrap();
        let actual = |name: &str| {
            let row = rows.iter().find(|row| row.get("Variable_name") == Some(name));
            row.and_then(|row| row.get("Value")).unwrap_or("(none)").to_owned()
        };
        let durable = if profile == "import" { ["2", "0", "ON"] } else { ["1", "1", "OFF"] };
        let names = ["innodb_flush_log_at_trx_commit", "sync_binlog", "read_only"];
        assert_eq!(names.map(actual), durable, "{profile}");
        for (name, wanted) in [
            ("server_id", "2"),
            ("log_bin", "ON"),
            ("binlog_format", "ROW"),
            ("binlog_row_image", "FULL"),
            ("log_slave_updates", "ON"),
            ("slave_net_timeout", "10"),
            ("slave_parallel_threads", "8"),
            ("slave_parallel_mode", "optimistic"),
            ("relay_log_recovery", "ON"),
            ("binlog_expire_logs_seconds", "604800"),
            ("innodb_buffer_pool_size", "134217728"),
            ("innodb_log_file_size", "67108864"),
            ("innodb_read_io_threads", "8"),
            ("innodb_write_io_threads", "8"),
            ("event_scheduler", "OFF"),
            ("max_allowed_packet", "1073741824"),
            ("bind_address", "127.0.0.1"),
        ] {
            assert_eq!(actual(name), wanted, "{profile} {name}");
        }
        // the options the server has no variable for
        let help = std::process::Command::new("mariadbd")
            .arg(format!("--defaults-file={}", real.config_file().display()))
            .args(["--verbose", "--help"])
            .output()
            .unwrap();
        let (said, complained) = (String::from_utf8_lossy(&help.stdout), String::from_utf8_lossy(&help.stderr));
        assert!(help.status.success() && !complained.contains("option '"), "{complained}");
        let on = said.lines().any(|line| line.starts_with("skip-slave-start") && line.ends_with("TRUE"));
        assert!(on, "{profile} skip_slave_start");
    }
}

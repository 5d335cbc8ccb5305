//! What the servers are is part of the plan.

use crate::general_log::conversations;
use crate::stage::complaint;
use cutover::effects::INIT;
use cutover::rehearsal::server::{Choice, Profile, Server, Setup};
use std::process::Command;

/// Statements for another program may mean something else: a server is asked what it is before anything else.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_the_plan_was_not_written_for_is_refused_before_anything_happens() {
    let folder = tempfile::tempdir().unwrap();
    let setup = Setup {
        name: "one".into(),
        dir: folder.path().join("one"),
        program: Choice::default(),
        port: None,
        profile: Profile::Bare,
        password: "pw".into(),
        options: vec!["general_log = ON".into(), "general_log_file = general.log".into()],
    };
    let server = Server::start(setup).await.unwrap();
    let playbook = folder.path().join("p.yaml");
    let step = "{ id: a, uses: sql, with: { server: one, statements: [\"CREATE DATABASE never\"] } }";
    std::fs::write(&playbook, format!("version: 1\nname: p\nsteps:\n  - {step}\n")).unwrap();
    let log = || std::fs::read_to_string(server.data_dir().join("general.log")).unwrap();
    let mut read = log().len();
    for (product, refused) in [
        ("family: mysql, version: \"8.4\"", true),
        ("family: mariadb, version: \"10.3\"", true),
        ("version: \"99.1\"", true),
        ("family: mariadb", false),
    ] {
        let inventory = folder.path().join("i.yaml");
        let access = format!("host: local, address: {}, user: migrate, password: {{ env: PW }}", server.address());
        let text = format!("hosts: {{ local: {{}} }}\nservers:\n  one: {{ {access}, {product} }}\n");
        std::fs::write(&inventory, text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
        command.arg("run").arg(&playbook).arg("-i").arg(&inventory).env("PW", "pw");
        let ran = command.arg("--state").arg(folder.path().join("state")).output().unwrap();
        let text = log();
        let said: Vec<String> = conversations(&text[read..]).into_iter().flat_map(|known| known.statements).collect();
        read = text.len();
        if refused {
            let complaint = String::from_utf8(ran.stderr).unwrap();
            assert_eq!(ran.status.code(), Some(5), "{complaint}");
            assert!(complaint.contains("family: mariadb, version: \"1"), "{complaint}");
            assert!(complaint.contains("servers.one"), "{complaint}");
            assert_eq!(said, [INIT, "SELECT VERSION()"], "nothing else was asked");
        } else {
            assert_eq!(ran.status.code(), Some(0), "{}", complaint(&ran));
            assert!(said.iter().any(|statement| statement == "CREATE DATABASE never"));
        }
    }
}

//! `preflight`: every trap at once on real servers, each named with evidence and remedy, and a pair without any.

use crate::bench::Bench;
use crate::films;
use cutover::domain::product::Family::{self, MariaDb, MySql};
use cutover::error::Class;
use cutover::kinds::{CheckResult, Finding, Mark};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Lines that spoil the source's configuration; `{cs}` is a folder with a collation of its own.
const SOURCE: &str = "binlog_format = STATEMENT
binlog_row_image = MINIMAL
binlog_ignore_db = scratch
binlog_expire_logs_seconds = 1
max_allowed_packet = 64M
auto_increment_increment = 2
sql_mode = ANSI_QUOTES
default_time_zone = '+03:00'
character_sets_dir = {cs}
character_set_server = utf8mb4
plugin_load_add = auth_ed25519
";

const TARGET: &str = "server_id = 1
read_only = OFF
event_scheduler = ON
replicate_do_db = shop
slave_net_timeout = 3600
lower_case_table_names = 1
gtid_strict_mode = ON
";

/// What a source may hold that does not move by itself.
const CONTENTS: &[&str] = &[
    "CREATE DATABASE odd",
    "CREATE TABLE odd.old_engine (id INT PRIMARY KEY) ENGINE = MyISAM",
    "CREATE TABLE odd.keyless (a INT, b INT AS (a + 1) STORED)",
    "CREATE TABLE odd.phones (id INT PRIMARY KEY, n VARCHAR(20)) COLLATE utf8mb4_phone_ci",
    "CREATE EVENT odd.hourly ON SCHEDULE EVERY 1 HOUR DO DO 1",
    "CREATE DEFINER = ghost@localhost VIEW odd.haunted AS SELECT 1 AS one",
    "CREATE USER shop@'127.0.0.1' IDENTIFIED VIA ed25519 USING PASSWORD('laden')",
    "CREATE USER batch@'%' IDENTIFIED VIA ed25519 USING PASSWORD('x')",
    "CREATE USER ''@'127.0.0.1'",
    "CREATE USER repl@'127.0.0.1' IDENTIFIED BY 'another'",
    "CREATE USER admin2@'%'",
    "GRANT READ_ONLY ADMIN ON *.* TO admin2@'%'",
    "CREATE SERVER elsewhere FOREIGN DATA WRAPPER mysql OPTIONS (HOST '192.0.2.1')",
    "INSERT INTO mysql.time_zone_name VALUES ('Europe/Oslo', 1)",
];

fn with() -> Value {
    json!({ "source": "source", "target": "target", "application": "shop",
            "through": { "step": "tunnel", "listen": "127.0.0.1:3307" } })
}

fn by_name(findings: Vec<Finding>) -> BTreeMap<String, CheckResult> {
    let check = |finding| match finding {
        Finding::Check(check) => (check.name.clone(), check),
        other => panic!("{other:?}"),
    };
    findings.into_iter().map(check).collect()
}

/// A copy of the character sets with one collation more.
fn collation_of_its_own(bench: &Bench) -> String {
    let folder = bench.path("charsets");
    std::fs::create_dir(&folder).unwrap();
    for entry in std::fs::read_dir("/usr/share/mysql/charsets").unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
    }
    let index = folder.join("Index.xml");
    let own = "<charset name=\"utf8mb4\"><collation name=\"utf8mb4_phone_ci\" id=\"1500\"><rules>\
               <reset>\\u0000</reset><i>\\u0020</i></rules></collation></charset></charsets>";
    let text = std::fs::read_to_string(&index).unwrap();
    assert!(text.contains("</charsets>"));
    std::fs::write(&index, text.replace("</charsets>", own)).unwrap();
    folder.display().to_string()
}

async fn spoil(bench: &Bench) {
    let lines = SOURCE.replace("{cs}", &collation_of_its_own(bench));
    for (server, lines) in [(&bench.source, lines.as_str()), (&bench.target, TARGET)] {
        let config = std::fs::read_to_string(server.config_file()).unwrap();
        std::fs::write(server.config_file(), format!("{config}{lines}")).unwrap();
        server.restart().await.unwrap();
    }
    for statement in CONTENTS {
        bench.exec("source", statement).await;
    }
    bench.exec("target", "SET GLOBAL read_only = OFF").await;
    bench.exec("target", "CREATE DATABASE there").await;
    bench.exec("target", "CREATE TABLE there.already (id INT PRIMARY KEY)").await;
    bench.exec("target", "CREATE USER ''@localhost").await;
    let stranger = bench.stranger("source").await;
    for statement in ["XA START 'half'", "INSERT INTO odd.phones VALUES (1, 'x')", "XA END 'half'", "XA PREPARE 'half'"]
    {
        stranger.exec(statement, crate::bench::LOOK).await.unwrap();
    }
    stranger.close().await;
    bench.exec("source", "REVOKE SHOW VIEW ON *.* FROM migrate@'127.0.0.1'").await;
    bench.exec("target", "REVOKE BINLOG ADMIN, SUPER ON *.* FROM migrate@'127.0.0.1'").await;
}

#[tokio::test]
async fn every_trap_is_named_with_evidence_and_remedy() {
    let bench = Bench::new().await;
    spoil(&bench).await;
    let step = bench.step("preflight", &with());
    let checks = by_name(step.survey().await.unwrap());
    let expected = [
        ("server_identity", Mark::Block, "both have server_id 1", "set another server_id on the target"),
        ("privileges", Mark::Block, "migrate on `source` lacks SHOW VIEW", "GRANT SHOW VIEW"),
        ("privileges", Mark::Block, "on `target` lacks BINLOG ADMIN, SUPER", "GRANT SUPER"),
        ("replication_login", Mark::Block, "error 1045", "holds the password of this account"),
        ("application_login", Mark::Warn, "no account shop@127.0.0.1 yet", "`accounts` step"),
        ("anonymous_accounts", Mark::Warn, "`source` accepts logins as ''@'127.0.0.1'", "DROP USER ''@'127.0.0.1'"),
        ("anonymous_accounts", Mark::Warn, "`target` accepts logins as ''@'localhost'", "on `target`"),
        ("auth_plugins", Mark::Block, "shop@127.0.0.1 (ed25519)", "install the plugin"),
        ("auth_plugins", Mark::Block, "batch@% (ed25519)", "new password"),
        ("read_only_bypass", Mark::Block, "does not stop writes by admin2@%", "`past_read_only` of `source`"),
        ("binlog_format", Mark::Block, "binlog_format of the source is STATEMENT", "SET GLOBAL binlog_format = ROW"),
        ("row_image", Mark::Block, "binlog_row_image of the source is MINIMAL", "SET GLOBAL binlog_row_image = FULL"),
        ("binlog_retention", Mark::Block, "keeps binary logs for 1s", "binlog_expire_logs_seconds"),
        ("replication_filters", Mark::Block, "binlog_ignore_db is scratch", "restart it"),
        ("replication_filters", Mark::Block, "replicate_do_db is shop", "that server's configuration"),
        ("gtid_state", Mark::Block, "gtid_strict_mode is ON", "RESET MASTER"),
        ("replica_safety", Mark::Warn, "relay_log_recovery", "relay_log_recovery = ON"),
        ("net_timeout", Mark::Warn, "slave_net_timeout of the target is 3600 s", "SET GLOBAL slave_net_timeout = 10"),
        ("prepared_transactions", Mark::Block, "1 XA transaction is prepared on the source: half", "XA COMMIT"),
        ("engines", Mark::Block, "odd.old_engine (MyISAM)", "ENGINE = InnoDB"),
        ("primary_keys", Mark::Warn, "odd.keyless", "add a primary key"),
        ("definers", Mark::Block, "ghost@localhost (view odd.haunted)", "create these accounts"),
        ("events", Mark::Block, "1 event is enabled on the source: odd.hourly", "SET GLOBAL event_scheduler = OFF"),
        ("collations", Mark::Block, "utf8mb4_phone_ci (as in odd.phones", "convert these"),
        ("character_set", Mark::Warn, "character_set_server is utf8mb4 on the source", "settings"),
        ("system_objects", Mark::Warn, "server elsewhere", "by hand"),
        ("sql_mode", Mark::Warn, "only the source has ANSI_QUOTES", "sql_mode"),
        (
            "table_names",
            Mark::Block,
            "lower_case_table_names is 0 on the source and 1 on the target",
            "initialize the target again",
        ),
        ("packet_size", Mark::Block, "64.0 MiB on the source and 16.0 MiB", "SET GLOBAL max_allowed_packet = 67108864"),
        ("time_zone", Mark::Block, "the source has named time zones (1), the target has none", "mysql_tzinfo_to_sql"),
        ("time_zone", Mark::Block, "+03:00 on the source", "zone"),
        ("auto_increment", Mark::Warn, "auto_increment_increment is 2 on the source", "SET GLOBAL"),
        ("target_empty", Mark::Block, "1 object: table there.already", "empty server"),
        ("target_closed", Mark::Warn, "read_only is OFF", "SET GLOBAL read_only = ON"),
        ("generated_columns", Mark::Pass, "odd.keyless.b", ""),
        ("direction", Mark::Pass, "MariaDB 10.11", ""),
        ("way_back", Mark::Pass, "supported as a replica", ""),
    ];
    for (name, result, evidence, remedy) in expected {
        let check = &checks[name];
        assert_eq!(check.result, result, "{check:?}");
        assert!(check.evidence.contains(evidence), "{check:?}");
        assert!(check.remedy.as_deref().unwrap_or_default().contains(remedy), "{check:?}");
    }

    let refusals = step.inspect().await;
    let [refusal] = refusals.as_slice() else { panic!("{refusals:?}") };
    assert_eq!((refusal.class, refusal.exit_code()), (Class::Refused, 5));
    for check in checks.values() {
        let blocks = check.result == Mark::Block;
        assert_eq!(refusal.answer.contains(&format!("\n{}: {}", check.name, check.evidence)), blocks, "{refusal}");
        assert!(!blocks || refusal.answer.contains(check.remedy.as_deref().unwrap()), "{refusal}");
    }
    assert!(refusal.help.clone().unwrap().contains("allow: ["), "{refusal:?}");
    assert_eq!(step.execute().await.unwrap_err(), *refusal, "what it says before the run it says in the run");
    for secret in ["alt#'wort", "neu\"wort", "folge", "laden"] {
        assert!(!format!("{checks:?}{refusal}").contains(secret));
    }
}

#[tokio::test]
async fn a_clean_pair_passes_and_what_steps_will_do_is_counted() {
    let bench = Bench::with_shop(50).await;
    bench.exec("source", "CREATE USER shop@'127.0.0.1' IDENTIFIED BY 'laden'").await;
    let mut step = bench.step("preflight", &with());
    let blocked = |refusals: Vec<cutover::error::Failure>| refusals.first().map(|failure| failure.answer.clone());
    let answer = blocked(step.inspect().await).unwrap();
    assert!(
        answer.starts_with("1 of ") && answer.contains("\nreplication_login: the source has no account"),
        "{answer}"
    );

    step.foreseen.insert("source.account repl@127.0.0.1".into());
    assert_eq!(blocked(step.inspect().await), None);
    let outputs = step.execute().await.unwrap();
    let checks: Vec<CheckResult> = serde_json::from_value(outputs["checks"].clone()).unwrap();
    assert!(checks.len() > 40 && checks.iter().all(|check| check.result != Mark::Block), "{checks:?}");
    assert_eq!(outputs["warnings"], json!(["application_login", "replica_safety", "events"]), "{checks:?}");
    assert_eq!(outputs["blocked"], json!([]));

    // the same number on both is no matter once a step of the plan, or another playbook, gives the target its own
    bench.exec("target", "SET GLOBAL server_id = 1").await;
    assert!(blocked(step.inspect().await).unwrap().contains("server_identity"));
    step.foreseen.insert("target.server_id".into());
    assert_eq!(blocked(step.inspect().await), None);
    let mut told = with();
    told["will_set"] = json!(["server_id"]);
    let mut step = bench.step("preflight", &told);
    step.foreseen.insert("source.account repl@127.0.0.1".into());
    assert_eq!(blocked(step.inspect().await), None);

    the_films_are_fine(&bench).await;
    // a variable that only the source has, of a plugin; a constraint whose name is too long
    let long = "l".repeat(60);
    for statement in [
        "INSTALL SONAME 'sql_errlog'",
        "CREATE PROCEDURE video.odd() SELECT @@GLOBAL.sql_error_log_rate",
        "CREATE TABLE video.late (id INT UNSIGNED, FOREIGN KEY (id) REFERENCES video.film (id))",
        &format!("RENAME TABLE video.late TO video.{long}"),
    ] {
        bench.root("source", statement).await;
    }
    let checks = of_the_films(&bench).await;
    for (name, words) in [
        ("upgrade_definitions", "cannot parse procedure video.odd: Unknown system variable 'sql_error_log_rate'"),
        ("foreign_keys", "longer than 64 characters"),
    ] {
        let check = &checks[name];
        assert!(check.result == Mark::Block && check.evidence.contains(words), "{check:?}");
    }
}

/// What the look at an upgrade says of the films, the target asked to read them.
async fn of_the_films(bench: &Bench) -> BTreeMap<String, CheckResult> {
    let mut trying = with();
    trying["try_definitions"] = json!(true);
    let step = bench.step("preflight", &trying);
    let before = bench.position_of("target").await;
    let checks = by_name(step.survey().await.unwrap());
    assert_eq!(bench.position_of("target").await, before, "the target wrote something down");
    checks
}

async fn the_films_are_fine(bench: &Bench) {
    films::prepare(bench, "source").await;
    let checks = of_the_films(bench).await;
    for name in films::CHECKS {
        assert_eq!(checks[name].result, Mark::Pass, "{:?}", checks[name]);
    }
    let evidence = &checks["upgrade_definitions"].evidence;
    assert!(evidence.contains(" can parse ") && evidence.contains(" definitions"), "{evidence}");
    assert_eq!(
        bench
            .ask(
                "target",
                "SELECT COUNT(*) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA NOT IN ('mysql', 'sys')"
            )
            .await,
        "0"
    );
}

#[tokio::test]
async fn what_people_allow_is_told_as_a_warning() {
    let bench = Bench::with_shop(5).await;
    bench.exec("source", "CREATE TABLE shop.old (id INT PRIMARY KEY) ENGINE = MyISAM").await;
    bench.exec("source", "CREATE USER shop@'127.0.0.1' IDENTIFIED BY 'wrong'").await;
    let mut allowing = with();
    allowing["allow"] = json!(["engines", "application_login"]);
    let mut step = bench.step("preflight", &allowing);
    step.foreseen = BTreeSet::from(["source.account repl@127.0.0.1".into()]);
    let outputs = step.execute().await.unwrap();
    assert_eq!(outputs["blocked"], json!(["application_login", "engines"]));
    let checks: Vec<CheckResult> = serde_json::from_value(outputs["checks"].clone()).unwrap();
    let engines = checks.iter().find(|check| check.name == "engines").unwrap();
    assert!(engines.result == Mark::Warn && engines.evidence.ends_with("shop.old (MyISAM) (allowed)"), "{engines:?}");
}

#[tokio::test]
async fn a_replica_a_reader_and_a_server_that_is_both() {
    let bench = Bench::with_shop(5).await;
    bench.replicate().await;
    bench.caught_up().await;
    let step = bench.step("preflight", &with());
    let checks = by_name(step.survey().await.unwrap());
    assert!(checks["source_is_replica"].evidence.starts_with("the target already replicates from 127.0.0.1:"));
    assert!(checks["binlog_readers"].evidence.contains("repl from 127.0.0.1"), "{:?}", checks["binlog_readers"]);
    assert_eq!(checks["binlog_readers"].result, Mark::Warn);

    // the pair the wrong way round: its source is a replica
    let reversed = json!({ "source": "target", "target": "source" });
    let checks = by_name(bench.step("preflight", &reversed).survey().await.unwrap());
    let check = &checks["source_is_replica"];
    assert!(
        check.result == Mark::Block && check.evidence.starts_with("the source replicates from 127.0.0.1:"),
        "{check:?}"
    );
    assert!(check.evidence.contains("does not write what it applies"), "{check:?}");
}

async fn pair(source: Family, target: Family) -> (Bench, BTreeMap<String, CheckResult>) {
    let bench = Bench::between(source, target, |_| {}).await;
    cutover::rehearsal::shop::prepare(&*bench.sql("source").await, 5).await.unwrap();
    let step = bench.step("preflight", &with());
    let checks = by_name(step.survey().await.unwrap());
    (bench, checks)
}

#[tokio::test]
async fn between_the_families_nothing_is_begun() {
    if !crate::bench::mysql().await {
        return;
    }
    for (source, target, why) in [(MySql, MariaDb, "error 2059"), (MariaDb, MySql, "error 13121")] {
        let (bench, checks) = pair(source, target).await;
        let direction = &checks["direction"];
        assert!(direction.result == Mark::Block && direction.evidence.contains(why), "{direction:?}");
        assert!(direction.remedy.as_deref().unwrap().starts_with("use another server version"), "{direction:?}");
        assert_eq!(checks["way_back"].result, Mark::Block, "{:?}", checks["way_back"]);
        if target == MySql {
            let gtid = &checks["gtid_mode"];
            assert!(gtid.result == Mark::Block && gtid.evidence.contains("OFF on the source and ON"), "{gtid:?}");
        } else {
            let unknown = &checks["collations"];
            assert!(unknown.result == Mark::Block && unknown.evidence.contains("utf8mb4_0900_ai_ci"), "{unknown:?}");
        }
        let refusal = bench.step("preflight", &with()).inspect().await.remove(0);
        assert!(!refusal.help.unwrap().contains("direction"), "nobody can allow what does not work");
    }
}

#[tokio::test]
async fn a_mysql_pair_is_asked_in_its_own_words() {
    if !crate::bench::mysql().await {
        return;
    }
    let (bench, checks) = pair(MySql, MySql).await;
    let unanswered: Vec<_> = checks.values().filter(|check| check.evidence.starts_with("could not")).collect();
    assert!(unanswered.is_empty(), "{unanswered:?}");
    let marks = |mark| checks.values().filter(move |check| check.result == mark).map(|check| check.name.as_str());
    assert_eq!(
        marks(Mark::Block).collect::<Vec<_>>(),
        ["application_login", "events", "replication_login"],
        "{checks:#?}"
    );

    the_films_are_fine(&bench).await;
    bench.exec("target", "SET PERSIST max_connections = 77").await;
    bench.exec("target", "SET GLOBAL event_scheduler = ON").await;
    bench.exec("target", "SET GLOBAL super_read_only = OFF").await;
    bench.exec("target", "SET GLOBAL read_only = OFF").await;
    bench.exec("target", "CREATE DATABASE own").await;
    bench.exec("source", "SET GLOBAL restrict_fk_on_non_standard_key = OFF").await;
    let stranger = bench.stranger("source").await;
    for statement in [
        "SET SESSION restrict_fk_on_non_standard_key = OFF",
        "CREATE TABLE shop.parent (id INT PRIMARY KEY, code INT, KEY (code))",
        "CREATE TABLE shop.child (id INT PRIMARY KEY, code INT, CONSTRAINT loose FOREIGN KEY (code) \
         REFERENCES shop.parent (code))",
        "CREATE EVENT shop.hourly ON SCHEDULE EVERY 1 HOUR DO DO 1",
        "CREATE DEFINER = ghost@localhost VIEW shop.haunted AS SELECT 1 AS one",
    ] {
        stranger.exec(statement, crate::bench::LOOK).await.unwrap();
    }
    stranger.close().await;
    bench.exec("target", "CHANGE REPLICATION FILTER REPLICATE_DO_DB = (shop)").await;
    let checks = by_name(bench.step("preflight", &with()).survey().await.unwrap());
    for (name, result, evidence) in [
        ("persisted_variables", Mark::Warn, "max_connections"),
        ("events", Mark::Block, "shop.hourly"),
        ("gtid_state", Mark::Warn, "transactions of its own"),
        ("target_closed", Mark::Warn, "read_only is OFF"),
        ("foreign_keys", Mark::Block, "shop.child.loose"),
        ("replication_filters", Mark::Block, "replicate_do_db is"),
        ("definers", Mark::Block, "ghost@localhost (view shop.haunted)"),
    ] {
        let check = &checks[name];
        assert!(check.result == result && check.evidence.contains(evidence), "{check:?}");
    }
}

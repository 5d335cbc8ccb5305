//! The printed privileges are what is asked for: with exactly them the look before a swap is content, and whichever one is
//! taken away is named.

use crate::bench::{Bench, LOOK, mysql};
use crate::readme;
use cutover::dialect::{Dialect, GRANT_OPTION};
use cutover::domain::Sql;
use cutover::domain::product::Family;
use cutover::kinds::{CheckResult, Condition, Finding, Grant, Mark, Need, Scope, grants, lacks, missing};
use cutover::plan::load::{self, Sources};
use serde_json::json;
use std::path::Path;

/// Of so many privileges one is tried by the whole look, which takes seconds; the others by what that judges them with.
const WHOLE_LOOK: usize = 16;
const ACCOUNT: &str = "'least'@'127.0.0.1'";

/// What the shipped swap needs.
fn needs(bench: &Bench) -> Vec<Need> {
    let inventory = readme::block("yaml", "# yaml-language-server: $schema=schemas/inventory.schema.json");
    let (folder, product) = (tempfile::tempdir().unwrap(), bench.world.inventory.servers["source"].product());
    let family = if product.family == Family::MySql { "mysql" } else { "mariadb" };
    let stated = format!("    user: migrate\n    family: {family}\n    version: \"{}\"", product.version);
    let file = folder.path().join("inventory.yaml");
    std::fs::write(&file, inventory.replace("    user: migrate", &stated)).unwrap();
    let playbook = Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks/replication_swap.yaml");
    let sources = Sources { playbook, inventory: Some(file), ..Sources::default() };
    load::plan(&sources).unwrap_or_else(|_| panic!("no plan")).needs()
}

/// Those that are needed on `server` where the accounts are not there yet, code is trusted, and no event runs.
fn needed(all: &[Need], server: &str) -> Vec<Need> {
    let holds = |need: &Need| match &need.only_if {
        None | Some(Condition::Missing(_)) => true,
        Some(_) => false,
    };
    all.iter().filter(|need| need.server == server && holds(need)).cloned().collect()
}

/// What can be taken away, each alone: a privilege and where it holds.
fn parts(needs: &[Need]) -> Vec<(&'static str, String)> {
    let all = grants(needs);
    let of = |grant: &Grant| grant.privileges.iter().map(|name| (*name, grant.scope.to_string())).collect::<Vec<_>>();
    let mut parts: Vec<(&'static str, String)> = all.iter().flat_map(of).collect();
    parts.extend(all.iter().any(|grant| grant.passed_on).then(|| (GRANT_OPTION, Scope::Everywhere.to_string())));
    parts
}

async fn privileges_check(bench: &Bench, needs: &[Need]) -> CheckResult {
    let mut step = bench.step("preflight", &json!({ "source": "source", "target": "target" }));
    step.needs = needs.to_vec();
    let found = step.survey().await.unwrap().into_iter();
    let checks = found.filter_map(|finding| if let Finding::Check(check) = finding { Some(check) } else { None });
    checks.into_iter().find(|check| check.name == "privileges").unwrap()
}

async fn each_is_named(family: Family) {
    let mut bench = Bench::of(family).await;
    let needs = needs(&bench);
    for server in ["source", "target"] {
        let session = bench.sql(server).await;
        session.exec("SET SESSION sql_log_bin = 0", LOOK).await.unwrap();
        let secret = bench.text(server).replace('\'', "''");
        let create = format!("CREATE USER {ACCOUNT} IDENTIFIED BY '{secret}'");
        let given = grants(&needed(&needs, server)).into_iter().map(|grant| grant.statement(ACCOUNT));
        for statement in [create].into_iter().chain(given) {
            session.exec(Sql::verbatim(statement), LOOK).await.unwrap();
        }
        bench.world.inventory.servers.get_mut(server).unwrap().user = "least".into();
    }
    let admin = bench.beside();
    if family == Family::MySql {
        // else SUPER would be needed there, and stand for others
        let trust = "SET GLOBAL log_bin_trust_function_creators = ON";
        admin.sql("target").await.unwrap().exec(trust, LOOK).await.unwrap();
    }
    let content = privileges_check(&bench, &needs).await;
    assert_eq!(content.result, Mark::Pass, "{content:?}");
    let mut number = 0;
    for server in ["source", "target"] {
        let here = needed(&needs, server);
        let session = admin.sql(server).await.unwrap();
        let dialect = Dialect::from(bench.world.inventory.servers[server].product());
        for (privilege, scope) in parts(&here) {
            let change = |text: String| Sql::verbatim(text);
            session.exec(change(format!("REVOKE {privilege} ON {scope} FROM {ACCOUNT}")), LOOK).await.unwrap();
            let rows = bench.sql(server).await.query(&dialect.own_privileges(), LOOK).await.unwrap();
            let named = lacks(&rows, &missing(&rows, &here));
            let wanted = match scope.strip_suffix(".*") {
                Some("*") | None => privilege.to_owned(),
                Some(database) => format!("{privilege} on {database}"),
            };
            println!("{family} {server}: without {wanted}: lacks {named}");
            assert!(named.split(", ").any(|name| name == wanted), "without {wanted} it lacks {named}");
            number += 1;
            if number % WHOLE_LOOK == 0 {
                let check = privileges_check(&bench, &needs).await;
                let told = check.result == Mark::Block && check.evidence.contains(&wanted);
                assert!(told && check.remedy.as_deref().is_some_and(|remedy| remedy.contains("GRANT ")), "{check:?}");
            }
            let option = if privilege == GRANT_OPTION { " WITH GRANT OPTION" } else { "" };
            let again = if option.is_empty() { privilege } else { "USAGE" };
            session.exec(change(format!("GRANT {again} ON {scope} TO {ACCOUNT}{option}")), LOOK).await.unwrap();
        }
    }
    let content = privileges_check(&bench, &needs).await;
    assert_eq!(content.result, Mark::Pass, "{content:?}");
    if family == Family::MySql {
        let session = admin.sql("target").await.unwrap();
        session.exec("SET GLOBAL log_bin_trust_function_creators = OFF", LOOK).await.unwrap();
        let check = privileges_check(&bench, &needs).await;
        assert!(check.result == Mark::Block && check.evidence.contains("lacks SUPER"), "{check:?}");
    }
    admin.close().await;
}

#[tokio::test]
async fn each_privilege_that_is_taken_away_is_named_on_mariadb() {
    each_is_named(Family::MariaDb).await;
}

#[tokio::test]
async fn each_privilege_that_is_taken_away_is_named_on_mysql() {
    if mysql().await {
        each_is_named(Family::MySql).await;
    }
}

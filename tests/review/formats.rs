//! The formats of `check`: each is what the tools that read it expect.

use crate::review::desk::{Desk, INVENTORY, PLAYBOOK, changed, text};
use serde_json::{Value, json};

/// SARIF 2.1.0 by OASIS, as the crate serde-sarif carries it.
const SCHEMA: &str = include_str!("sarif-schema-2.1.0.json");

/// A warning with a fix, an allowed one, an error in the inventory, and a note.
fn desk() -> Desk {
    let playbook = changed(PLAYBOOK, "    deadline: 10s\n", "");
    let step = "  # cutover: allow C008 because it is a test, 100%\n  \
                - { id: own, uses: command, with: { host: new, run: [stop] } }\n";
    let inventory = changed(INVENTORY, "server_id: 2", "server_id: 1");
    Desk::new(&format!("{playbook}{step}"), &inventory)
}

fn sarif(desk: &Desk) -> Value {
    serde_json::from_slice(&desk.check(&["--format", "sarif"]).stdout).unwrap()
}

fn violations(log: &Value) -> Vec<String> {
    // its pattern of a language has a bracket too many, at which validators stop
    let schema = SCHEMA.replace("^[a-zA-Z]{2}|^[a-zA-Z]{2}-[a-zA-Z]{2}]?$", "^[a-zA-Z]{2}(-[a-zA-Z]{2})?$");
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    validator.iter_errors(log).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn sarif_is_what_its_schema_says() {
    let whole_file = Desk::new("", INVENTORY);
    let invalid = Desk::new(&changed(PLAYBOOK, "uses: benchmark", "uses: benchmrak"), INVENTORY);
    for desk in [desk(), Desk::new(PLAYBOOK, INVENTORY), invalid, whole_file] {
        let log = sarif(&desk);
        assert_eq!(violations(&log), Vec::<String>::new(), "{log:#}");
    }
    let mut broken = sarif(&desk());
    broken["runs"][0]["results"][0]["level"] = json!("bad");
    assert_eq!(violations(&broken).len(), 1, "the schema is not asked at all");
}

#[test]
fn sarif_says_what_was_found() {
    let run = &sarif(&desk())["runs"][0];
    let results = run["results"].as_array().unwrap();
    let codes: Vec<&Value> = results.iter().map(|result| &result["ruleId"]).collect();
    assert_eq!(codes, ["C007", "C015", "C008"]);
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
    }
    assert_eq!(results[2]["suppressions"][0]["justification"], "it is a test, 100%");
    assert_eq!(results[0]["suppressions"], Value::Null);
    let place = &results[0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "playbook.yaml");
    assert_eq!(place["region"], json!({ "startLine": 40, "startColumn": 9, "endLine": 40, "endColumn": 15 }));
    let change = &results[0]["fixes"][0]["artifactChanges"][0]["replacements"][0];
    assert_eq!(change["insertedContent"]["text"], "deadline: 10s\n    ");
    assert_eq!(results[1]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "inventory.yaml");
}

#[test]
fn github_gets_commands() {
    let output = desk().check(&["--format", "github"]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stdout);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 2, "{said}");
    let warning = "::warning file=playbook.yaml,line=40,endLine=40,col=9,endColumn=14,\
                   title=C007%3A nothing limits how long the application waits::the block `switch` closes a server \
                   for an unlimited time%0Ahelp: give the block a deadline: `deadline: 10s`";
    assert_eq!(lines[0], warning);
    assert!(lines[1].starts_with("::error file=inventory.yaml,line=12,endLine=12,col=16,endColumn=16,title=C015%3A "));
    let invalid = Desk::new(&changed(PLAYBOOK, "uses: benchmark", "uses: benchmrak"), INVENTORY);
    let output = invalid.check(&["--format", "github"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stdout).starts_with("::error file=playbook.yaml,line=7,endLine=7,col=11,"), "{output:?}");
    let note = Desk::new(PLAYBOOK, &changed(INVENTORY, "    server_id: 2\n", ""));
    assert!(text(&note.check(&["--format", "github"]).stdout).starts_with("::notice file=inventory.yaml,line=6,"));
}

/// The fields that `docs/check.md` promises.
#[test]
fn json_has_what_is_documented() {
    let (code, report) = desk().json(&[]);
    assert_eq!((code, &report["valid"], &report["passed"]), (Some(2), &json!(true), &json!(false)));
    let hint = "give the block a deadline: `deadline: 10s`";
    let wanted = json!({
        "code": "C007",
        "severity": "warning",
        "message": "the block `switch` closes a server for an unlimited time",
        "file": "playbook.yaml",
        "line": 40,
        "column": 9,
        "end": { "line": 40, "column": 15 },
        "help": hint,
        "fix": {
            "description": "set `deadline: 10s`",
            "start": { "line": 40, "column": 5 },
            "end": { "line": 40, "column": 5 },
            "text": "deadline: 10s\n    ",
        },
    });
    assert_eq!(report["findings"][0], wanted);
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/check.md");
    let page = std::fs::read_to_string(path).unwrap();
    for field in wanted.as_object().unwrap().keys().chain(report.as_object().unwrap().keys()) {
        assert!(page.contains(&format!("`{field}`")), "docs/check.md does not explain `{field}`");
    }
}

#[test]
fn text_underlines_and_counts() {
    let output = desk().check(&[]);
    let said = text(&output.stderr);
    assert!(said.contains("C007") && said.contains("has no deadline") && said.contains("C015"), "{said}");
    assert!(!said.contains("C008"), "{said}");
    let summary = text(&output.stdout);
    assert!(summary.contains("1 error, 1 warning, 1 allowed; `cutover explain CODE` explains a finding"), "{summary}");
}

//! Every display of every shipped playbook and of the design's sample, word for word; that other programs read them;
//! and that no text of a playbook gets out of its place in them.

use crate::plan::{INVENTORY, SAMPLE, file, printed, shipped};
use serde_json::Value;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

const FORMATS: [&str; 6] = ["text", "markdown", "json", "mermaid", "dot", "html"];

fn display(playbook: &Path, format: &str) -> String {
    printed(&["plan", playbook.to_str().unwrap(), "-i", INVENTORY, "--format", format])
}

/// Templates are left out of the JSON: they stand in the repository, and their result stands in the plan.
#[test]
fn every_display_of_every_playbook() {
    for playbook in shipped() {
        // the sample stands for all in JSON, which says the same at twenty times the length
        let formats = FORMATS.into_iter().filter(|format| *format != "json" || playbook.ends_with(SAMPLE));
        for format in formats {
            let mut shown = display(&playbook, format);
            if format == "json" {
                let mut plan: Value = serde_json::from_str(&shown).unwrap();
                let templates = std::mem::take(&mut plan["world"]["templates"]);
                if std::fs::read_to_string(&playbook).unwrap().contains("my.cnf.j2") {
                    assert_eq!(templates["my.cnf.j2"], include_str!("../../templates/my.cnf.j2"));
                }
                shown = serde_json::to_string_pretty(&plan).unwrap();
            }
            insta::assert_snapshot!(format!("{}_as_{format}", playbook.file_stem().unwrap().to_str().unwrap()), shown);
        }
    }
}

/// A code host's comment holds no more, and its reader sees the first lines.
#[test]
fn the_markdown_of_every_playbook_fits_a_comment_and_begins_with_what_counts() {
    for playbook in shipped() {
        let name = playbook.file_stem().unwrap().to_str().unwrap();
        let shown = display(&playbook, "markdown");
        let units = shown.encode_utf16().count();
        println!("{name}: {units}");
        assert!(units <= 60_000, "{name}: {units}");
        let plan: Value = serde_json::from_str(&display(&playbook, "json")).unwrap();
        let marker = format!("<!-- cutover plan: {} -->", plan["name"].as_str().unwrap());
        assert_eq!(shown.lines().next().unwrap(), marker);
        let head: Vec<&str> = shown.lines().take(20).collect();
        let line = |topic: &str| {
            let begin = format!("- **{topic}**: ");
            let found = head.iter().find_map(|line| line.strip_prefix(begin.as_str()));
            found.unwrap_or_else(|| panic!("{name}: nothing of {topic} in {head:#?}"))
        };
        let kinds: Vec<&str> =
            plan["steps"].as_array().unwrap().iter().map(|step| step["uses"].as_str().unwrap()).collect();
        for (topic, causes, word) in [
            ("moves", &["promote"][..], "from `"),
            ("moves", &["repoint"], "is switched to"),
            ("copy", &["dump", "copy"], "cutover plan --live"),
            ("pause", &["fence"], "at most"),
            ("restarts", &["render", "repoint"], "by `"),
            ("files that change", &["render", "repoint"], "` on `"),
            ("not undone", &["promote"], "point of no return: after step"),
        ] {
            let is_said = line(topic).contains(word);
            assert_eq!(is_said, causes.iter().any(|kind| kinds.contains(kind)), "{name} {topic}: {}", line(topic));
        }
        assert!(shown.contains("### Steps in detail"), "the actions are there");
        assert_eq!(shown.matches("<details>").count(), shown.matches("</details>").count(), "{name}");
    }
}

/// What Graphviz draws of a graph; it must say nothing.
fn graphviz(graph: &str) -> String {
    let mut dot = Command::new("dot");
    dot.arg("-Tsvg").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = dot.spawn().expect("Graphviz is installed: make deps");
    running.stdin.take().unwrap().write_all(graph.as_bytes()).unwrap();
    let output = running.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn graphviz_draws_every_step_arrow_and_block() {
    for playbook in shipped() {
        let drawn = graphviz(&display(&playbook, "dot"));
        let plan: Value = serde_json::from_str(&display(&playbook, "json")).unwrap();
        let steps = plan["steps"].as_array().unwrap();
        let arrows: usize = steps.iter().map(|step| step["needs"].as_array().unwrap().len()).sum();
        assert_eq!(drawn.matches("class=\"node\"").count(), steps.len());
        assert_eq!(drawn.matches("class=\"edge\"").count(), arrows);
        assert_eq!(drawn.matches("class=\"cluster\"").count(), plan["blocks"].as_array().unwrap().len());
        let returns = steps.iter().all(|step| step["reversibility"] != "point_of_no_return");
        assert_eq!(drawn.contains("POINT OF NO RETURN"), !returns);
    }
}

/// Nothing is loaded, and the page's own policy would not let it.
#[test]
fn the_page_loads_nothing() {
    for playbook in shipped() {
        let page = display(&playbook, "html");
        assert!(page.contains("content=\"default-src 'none'; style-src 'unsafe-inline'\""));
        assert!(!page.contains("<script") && !page.contains("@import") && !page.contains("src="));
        let tags = page.split('<').filter_map(|piece| piece.split('>').next());
        for tag in tags.filter(|tag| tag.contains("href=")) {
            assert!(tag.contains("href=\"#step-"), "{tag}");
        }
        let policy_and_namespaces = page.matches("://").count();
        let in_texts = display(&playbook, "text").matches("://").count();
        assert_eq!(policy_and_namespaces, in_texts, "an address that is no text of the plan");
        assert_eq!(page.matches("url(").count(), page.matches("url(#arrow)").count());
    }
}

/// A playbook whose texts are made to break out of what holds them.
const HOSTILE: &str = r#"
version: 1
name: "<b>\"x\" `|` ]; end"
description: "```\n# <script>alert(1)</script> | [a](javascript:b)"
inputs: { word: { type: string, default: "``</code>|\\" } }
steps:
  - id: one
    uses: command
    with: { host: new, run: [echo, "```` </pre><script>&amp; {{ inputs.word }}"] }
  - id: two
    needs: [one]
    uses: approve
    with: { message: "</details>\n````\n| a | b |" }
"#;

#[test]
fn a_text_stays_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let playbook = file(&folder, "hostile.yaml", HOSTILE);
    let drawn = graphviz(&display(&playbook, "dot"));
    assert!(drawn.contains("&lt;b&gt;&quot;x&quot; `|` ]; end"), "{drawn}");
    let page = display(&playbook, "html");
    assert!(!page.contains("<script") && !page.contains("<b>\"x\"") && page.matches("</details>").count() == 3);
    assert!(page.contains("&lt;/pre&gt;&lt;script&gt;&amp;amp;"));
    let markdown = display(&playbook, "markdown");
    let head = "<!-- cutover plan: _b__x_ ___ __ end -->\n## Plan ``<b>\"x\" `|` ]; end``\n";
    assert!(markdown.starts_with(head), "{markdown}");
    assert!(markdown.contains("\\`\\`\\` \\# \\<script\\>alert(1)\\</script\\> | \\[a\\](javascript:b)"));
    assert!(markdown.contains("`````text\nnew$ echo"), "a fence that holds a fence: {markdown}");
    insta::assert_snapshot!(display(&playbook, "mermaid"), @r#"
    flowchart TD
      step0["one<br/>command"]
      step1["two<br/>approve"]
      step0 --> step1
      classDef noReturn stroke:#c62828,stroke-width:4px,font-weight:bold
      classDef skipped stroke-dasharray:4 4,color:#888
    "#);
}

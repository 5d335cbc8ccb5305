//! `cutover init`

use super::output;
use crate::domain::folder_of;
use crate::error::exit;
use crate::plan::schema;
use clap::ValueEnum;
use serde_json::Value;
use std::borrow::Cow;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Arguments of `init`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes:  0 written, 5 a file already exists and nothing was written")]
pub struct Args {
    /// The folder; created if missing.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Code host to write checks for.
    #[arg(long, value_enum, default_value_t)]
    ci: Ci,
}

/// Where pull requests are checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Ci {
    /// GitHub and GitLab.
    #[default]
    Both,
    /// `.github/workflows/cutover.yml`.
    Github,
    /// `.gitlab-ci.yml`.
    Gitlab,
    /// No code host.
    None,
}

/// A file of the layout.
struct Entry {
    path: &'static str,
    text: Cow<'static, str>,
    /// Whether an existing one is kept and is not a reason to refuse.
    may_stay: bool,
}

const PLAYBOOK: &str = "playbooks/replication_swap.yaml";
const INVENTORY: &str = "inventory.yaml";

/// Writes the layout, all of it or nothing.
pub fn run(args: &Args) -> u8 {
    let layout = layout(args.ci);
    let there = |entry: &&Entry| args.folder.join(entry.path).symlink_metadata().is_ok();
    let in_the_way: Vec<&str> = layout.iter().filter(|entry| !entry.may_stay).filter(there).map(|e| e.path).collect();
    if !in_the_way.is_empty() {
        output::say(&format!("already present: {}; nothing was written", in_the_way.join(", ")));
        output::say("help: give a new folder, or move these files away");
        return exit::REFUSED;
    }
    for entry in &layout {
        match write(&args.folder.join(entry.path), &entry.text) {
            Ok(()) => output::text(&format!("wrote {}\n", entry.path)),
            Err(error) if entry.may_stay && error.kind() == ErrorKind::AlreadyExists => {
                output::text(&format!("kept  {}, which exists already\n", entry.path));
            }
            Err(error) => {
                output::say(&format!("cannot write {}: {error}", args.folder.join(entry.path).display()));
                return exit::REFUSED;
            }
        }
    }
    let folder = args.folder.display();
    output::text(&format!(
        "\nNext: replace the names in {INVENTORY}, then\n  cd {folder} && cutover check {PLAYBOOK} -i {INVENTORY}\n"
    ));
    exit::DONE
}

fn layout(ci: Ci) -> Vec<Entry> {
    let fixed = |path, text| Entry { path, text: Cow::Borrowed(text), may_stay: false };
    let schema = |path, schema: &Value| Entry { path, text: Cow::Owned(pretty(schema)), may_stay: false };
    let mut layout = vec![
        fixed(PLAYBOOK, include_str!("../../../playbooks/replication_swap.yaml")),
        fixed(INVENTORY, include_str!("inventory.yaml")),
        schema("schemas/playbook.schema.json", &schema::playbook()),
        schema("schemas/inventory.schema.json", &schema::inventory()),
        fixed(".pre-commit-config.yaml", include_str!("pre-commit.yaml")),
    ];
    if matches!(ci, Ci::Both | Ci::Github) {
        layout.push(fixed(".github/workflows/cutover.yml", include_str!("github.yml")));
    }
    if matches!(ci, Ci::Both | Ci::Gitlab) {
        layout.push(fixed(".gitlab-ci.yml", include_str!("gitlab.yml")));
    }
    let notes = [("README.md", include_str!("README.md")), (".gitignore", include_str!("gitignore"))];
    layout.extend(notes.map(|(path, text)| Entry { may_stay: true, ..fixed(path, text) }));
    layout
}

fn pretty(schema: &Value) -> String {
    let mut text = serde_json::to_string_pretty(schema).unwrap_or_default(); // a value at hand is always JSON
    text.push('\n');
    text
}

/// Writes a new file; never overwrites one that was created meanwhile.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    std::fs::create_dir_all(folder_of(path))?;
    std::fs::File::create_new(path)?.write_all(text.as_bytes())
}

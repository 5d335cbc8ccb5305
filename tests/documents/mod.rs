//! The documentation as a reader meets it: its links lead somewhere, its commands are understood, its words are plain.

mod commands;
mod links;
mod words;

use std::path::{Path, PathBuf};

/// A page: its path below the repository, and its text.
struct Page {
    path: PathBuf,
    text: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Files with this ending below a folder of the repository.
fn files(folder: &str, ending: &str) -> Vec<Page> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push(Page { path: path.strip_prefix(root()).unwrap().to_owned(), text });
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

/// Every page of the book, and the pages that stand beside the code.
fn pages() -> Vec<Page> {
    let beside = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"];
    let beside = beside
        .into_iter()
        .map(|name| Page { path: name.into(), text: std::fs::read_to_string(root().join(name)).unwrap() });
    beside.chain(files("docs", ".md")).collect()
}

/// The line of a byte in a text, from 1 on.
fn line(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

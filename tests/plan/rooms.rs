//! The rooms of the house: no two of them know each other, whatever lies between, and no file is too long.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Most lines of a file.
const LONGEST: usize = 500;

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// Which rooms each room names, its unit tests and comments left out.
fn knows() -> BTreeMap<String, BTreeSet<String>> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let rooms: BTreeSet<String> = std::fs::read_dir(&src)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    let mut knows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for room in &rooms {
        let known = knows.entry(room.clone()).or_default();
        for file in files(&src.join(room)) {
            let text = std::fs::read_to_string(file).unwrap();
            let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            for after in code.flat_map(|line| line.split("crate::").skip(1)) {
                let name: String = after.chars().take_while(|sign| sign.is_alphanumeric() || *sign == '_').collect();
                if name != *room && rooms.contains(&name) {
                    known.insert(name);
                }
            }
        }
    }
    knows
}

#[test]
fn no_two_rooms_know_each_other() {
    let mut left = knows();
    assert!(left.len() > 12 && left["engine"].contains("plan"), "{left:?}");
    // whoever knows nobody that is left, goes: in a circle nobody can
    while let Some(next) = left.iter().find(|(_, known)| known.iter().all(|room| !left.contains_key(room))) {
        let room = next.0.clone();
        left.remove(&room);
    }
    assert!(left.is_empty(), "these rooms know each other in a circle: {left:#?}");
}

#[test]
fn no_file_is_too_long() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let all = files(&root.join("src")).into_iter().chain(files(&root.join("tests")));
    let mut lengths: Vec<(usize, PathBuf)> =
        all.map(|file| (std::fs::read_to_string(&file).unwrap().lines().count(), file)).collect();
    lengths.sort();
    let (longest, file) = lengths.last().unwrap();
    assert!(*longest <= LONGEST, "{} has {longest} lines", file.display());
    let median = lengths[lengths.len() / 2].0;
    assert!(median < 120, "half of the files have more than {median} lines");
}

//! Whoever can swap a work folder, or what leads to it, would have what is started from there run as the account that
//! cutover works as. Such a place is refused, by name, before anything is written.

use crate::yard::{Yard, as_other, give, is_root, words};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

/// A place, and what its refusal must say.
fn refused(yard: &Yard, host: &str, says: &[&str]) {
    let ran = yard.run(host, &yard.dir());
    let said = words(&ran);
    assert_eq!(ran.status.code(), Some(5), "{host}: {said}");
    for part in says.iter().chain(&["chmod go-w", "work_dir"]) {
        assert!(tight(&said).contains(&tight(part)), "{host} does not say `{part}`: {said}");
    }
}

/// Without spaces: long paths are broken where a terminal ends.
fn tight(words: &str) -> String {
    words.split_whitespace().collect()
}

#[test]
fn a_folder_that_others_can_swap_is_refused_by_name() {
    let yard = Yard::make();
    // sticky: whoever made the folder first would have it
    let sticky = tempfile::tempdir_in("/tmp").unwrap();
    let below = sticky.path().join("w").display().to_string();
    refused(&yard, &format!("{{ work_dir: {below} }}"), &["/tmp (owner root, mode 1777) can be written by others"]);
    // a folder of ours in which others may write, at every place on the way
    for (number, mode) in [0o775, 0o777, 0o1777, 0o757].into_iter().enumerate() {
        let open = yard.folder(&format!("open{number}"), mode);
        yard.folder(&format!("open{number}/there"), 0o700);
        for place in ["", "/w", "/there", "/there/w", "/w/x/y"] {
            let says = format!("{open} (owner ");
            refused(
                &yard,
                &format!("{{ work_dir: {open}{place} }}"),
                &[&says, &format!("mode {mode:o}) can be written")],
            );
        }
        assert_eq!(yard.names(&format!("open{number}")), ["there"], "nothing was made there");
        assert!(yard.names(&format!("open{number}/there")).is_empty());
    }
    // links: to a place that is foreign, and within one
    let link = yard.link(&below, "link");
    std::fs::create_dir(sticky.path().join("w")).unwrap();
    refused(&yard, &format!("{{ work_dir: {link} }}"), &["/tmp (owner root, mode 1777)"]);
    let safe = yard.folder("safe", 0o700);
    let inner = yard.link(&safe, "open0/inner");
    refused(&yard, &format!("{{ work_dir: {inner}/w }}"), &["open0/inner is not followed"]);
    assert!(yard.names("safe").is_empty());
    // what stands where the work folder's own folders are to be
    let own = yard.folder("own", 0o700);
    yard.link(&below, "own/leases");
    refused(&yard, &format!("{{ work_dir: {own} }}"), &["/tmp (owner root, mode 1777)"]);
    assert_eq!(std::fs::read_dir(&below).unwrap().count(), 0);
    // it is told in words when it is no absolute path
    for place in ["relative/w", "~other/w", "'~'", "~/", "/", "//", ".", "''"] {
        let ran = yard.run(&format!("{{ work_dir: {place} }}"), &yard.dir());
        assert_eq!(ran.status.code(), Some(2), "{place}: {}", words(&ran));
        assert!(words(&ran).contains("is not a usable folder on a host"), "{place}: {}", words(&ran));
    }
}

#[test]
fn a_folder_that_only_root_and_the_account_can_change_is_taken() {
    let yard = Yard::make();
    for (number, mode) in [0o700, 0o755, 0o750, 0o711].into_iter().enumerate() {
        let folder = yard.folder(&format!("f{number}"), mode);
        for place in ["", "/new", "/new/deep"] {
            let ran = yard.run(&format!("{{ work_dir: {folder}{place} }}"), &yard.dir());
            assert_eq!(ran.status.code(), Some(0), "{folder}{place}: {}", words(&ran));
        }
    }
    let there = yard.folder("there", 0o700);
    let link = yard.link(&there, "link");
    let ran = yard.run(&format!("{{ work_dir: {link}/w }}"), &yard.dir());
    assert_eq!(ran.status.code(), Some(0), "{}", words(&ran));
    let mode = std::fs::metadata(yard.path("there/w")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_folder_of_another_account_is_refused_by_name() {
    if !is_root() {
        return;
    }
    let yard = Yard::make();
    for (place, foreign) in [("w", "w"), ("a/w", "a"), ("a/b/w", "a/b"), ("gone/w", "gone")] {
        let folder = yard.folder(foreign, 0o755);
        give(&folder);
        let host = format!("{{ work_dir: {} }}", yard.path(place));
        refused(&yard, &host, &[&format!("{folder} belongs to nobody (uid 65534, mode 755)")]);
        assert!(yard.names(foreign).is_empty(), "nothing was made there");
        std::fs::remove_dir_all(folder).unwrap();
    }
    // a link that another account has made, in a folder of ours
    let safe = yard.folder("safe", 0o700);
    let link = yard.link(&safe, "link");
    give(&link);
    refused(&yard, &format!("{{ work_dir: {link} }}"), &["link belongs to nobody"]);
    assert!(yard.names("safe").is_empty());
}

/// As the input `foreign_work_dir.sh` did it: the other account makes the work folder first, waits for the run's folder,
/// and puts one with a `progress` of its own in its place.
#[test]
fn who_makes_the_work_folder_first_gains_nothing() {
    if !is_root() {
        return;
    }
    let yard = Yard::make();
    let place = tempfile::Builder::new().prefix("cutover-foreign").tempdir_in("/var/tmp").unwrap();
    give(place.path().to_str().unwrap());
    let work = place.path().join("cutover");
    let script = "mkdir -m 755 \"$1\" && i=0; while [ $i -lt 400 ]; do for r in \"$1\"/2*; do [ -d \"$r\" ] || continue; \
                  mv \"$r\" \"$r.theirs\" && mkdir -p \"$r/a\" && echo 'id > /tmp/ran-as; echo 1' > \"$r/a/progress\" && exit 0; \
                  done; sleep 0.01; i=$((i+1)); done";
    let mut other = as_other("sh").args(["-c", script, "sh"]).arg(&work).stderr(Stdio::null()).spawn().unwrap();
    while !work.is_dir() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    refused(&yard, &format!("{{ work_dir: {} }}", work.display()), &["mode 1777"]);
    assert_eq!(std::fs::read_dir(&work).unwrap().count(), 0);
    other.kill().unwrap();
    other.wait().unwrap();
}

/// A folder that was safe when the run began and is not when it goes on.
#[test]
fn a_resume_looks_again() {
    let yard = Yard::make();
    let around = yard.folder("around", 0o755);
    let step = "{ id: a, uses: approve, with: { question: go on? } }";
    yard.write("playbook.yaml", &format!("version: 1\nname: p\nsteps:\n  - {step}\n"));
    yard.write("inventory.yaml", &format!("hosts: {{ local: {{ work_dir: {around}/w }} }}\n"));
    let ran = yard.run(&format!("{{ work_dir: {around}/w }}"), &yard.dir());
    assert_eq!(ran.status.code(), Some(0), "{}", words(&ran));
    yard.folder("around", 0o777);
    let ran = yard.run(&format!("{{ work_dir: {around}/w }}"), &yard.dir());
    assert_eq!(ran.status.code(), Some(5), "{}", words(&ran));
}

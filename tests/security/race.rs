//! Whole switches while the application's own account does what it can to have root read, change or run what it should
//! not. `CUTOVER_RACES` says how many; one unless it does.

use crate::lab::{Lab, Shape, Side};
use crate::yard::{OTHER, as_other, give, is_root, words};
use cutover::domain::product::Family;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Child, Stdio};

const CANARY: &str = "canary-of-root-that-nobody-else-may-read";
const SHOP: &str = "CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY, v TEXT); \
                    INSERT INTO shop.orders VALUES (1, 'one'), (2, 'two'); \
                    CREATE USER shop@'127.0.0.1' IDENTIFIED BY 'shop-secret'; GRANT ALL ON shop.* TO shop@'127.0.0.1'";

/// The second account at work; it ends with this.
struct Racer(Child);

impl Drop for Racer {
    fn drop(&mut self) {
        let group = format!("-{}", self.0.id());
        let _ = std::process::Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.0.wait();
    }
}

fn race(app: &str, canary: &str, ran: &str, tally: &str) -> Racer {
    use std::os::unix::process::CommandExt;
    let script = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/security/race.sh")).unwrap();
    let mut command = as_other("nice");
    command.args(["-n", "19", "sh", "-c", &script, "race", app, canary, ran]).process_group(0);
    let tally = std::fs::File::create(tally).unwrap();
    Racer(command.stdin(Stdio::null()).stdout(tally).stderr(Stdio::null()).spawn().unwrap())
}

fn open(path: &str, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Whether root's file is in any way another one, or any file that the second account can read holds what it says.
fn assert_untouched(lab: &Lab, canary: &str, said: &str) {
    let is = std::fs::symlink_metadata(canary).unwrap();
    assert_eq!((is.uid(), is.mode() & 0o7777, lab.read("canary").as_str()), (0, 0o600, CANARY), "{said}");
    assert!(!said.contains(CANARY), "{said}");
    assert!(!Path::new(&lab.path("ran-as-root")).exists(), "something planted was run by root: {said}");
    let holders = lab.grep(CANARY, &["shop", "state", "work", "home-old", "home-new"]);
    assert!(holders.is_empty(), "{holders:?}");
}

#[test]
fn a_switch_that_is_raced_ends_well_or_is_refused() {
    if !is_root() {
        return;
    }
    let rounds = std::env::var("CUTOVER_RACES").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1);
    let mut ended = Vec::new();
    for round in 0..rounds {
        let shape = Shape { family: Family::MariaDb, old: "", new: "", shells: ["bash", "bash"] };
        let lab = Lab::make(&shape).unwrap();
        lab.sql(Side::Old, SHOP);
        lab.inventory("", &[]);
        let canary = lab.write("canary", CANARY);
        open(&canary, 0o600);
        let file = lab.write("shop/db.env", "DB_HOST=127.0.0.1\n");
        let app = lab.path("shop");
        give(&app);
        give(&file);
        open(&app, 0o755);
        open(lab.dir().to_str().unwrap(), 0o711);
        let tally = lab.path("tally");
        let racer = race(&app, &canary, &lab.path("ran-as-root"), &tally);
        let ran = lab.swap(&["run", "--yes"], &[]);
        drop(racer);
        let said = words(&ran);
        assert_untouched(&lab, &canary, &said);
        let clear = [
            "is no plain file",
            "is being swapped",
            "is not followed",
            "is a directory",
            "is a folder",
            "is a link",
            "does not contain what was written",
            "further names",
            "is no folder",
            "could not be copied",
            "cannot overwrite",
        ];
        let code = ran.status.code();
        assert!(code == Some(0) || clear.iter().any(|words| said.contains(words)), "round {round}: {code:?} {said}");
        assert!(matches!(code, Some(0 | 3 | 4 | 5)), "round {round}: {code:?} {said}");
        let tally = lab.read("tally");
        let count = |word: &str| tally.lines().filter(|line| line.starts_with(word)).count();
        assert!(count("planted") > 0, "round {round}: nothing was raced");
        ended.push((code, count("planted"), count("swapped")));
    }
    println!("account {OTHER} raced; exit code, planted, files swapped: {ended:?}");
}

/// As the input `planted_link.sh` did it: a link at the name of the new file, which is learned from root's command lines.
#[test]
fn a_link_planted_at_the_name_of_the_new_file_is_not_followed() {
    if !is_root() {
        return;
    }
    let shape = Shape { family: Family::MariaDb, old: "", new: "", shells: ["bash", "bash"] };
    let lab = Lab::make(&shape).unwrap();
    lab.sql(Side::Old, SHOP);
    lab.inventory("", &[]);
    let (canary, file, app) =
        (lab.write("canary", CANARY), lab.write("shop/db.env", "DB_HOST=127.0.0.1\n"), lab.path("shop"));
    open(&canary, 0o600);
    give(&app);
    give(&file);
    open(&app, 0o755);
    open(lab.dir().to_str().unwrap(), 0o711);
    // other tests' runs are seen too
    let script = "while :; do for R in $(cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' \
                  | grep -a -o '/2[0-9]*-[0-9]*-[0-9a-f]*' | sort -u); do ln -s \"$2\" \"$1/db.env.cutover-${R#/}.new\"; done; \
                  sleep 0.02; done";
    let mut planted = as_other("sh").args(["-c", script, "sh", &app, &canary]).stderr(Stdio::null()).spawn().unwrap();
    let ran = lab.swap(&["run", "--yes"], &[]);
    let _ = planted.kill();
    planted.wait().unwrap();
    let said = words(&ran);
    assert_untouched(&lab, &canary, &said);
    assert!(ran.status.code() != Some(0) && said.contains("is no plain file"), "{:?} {said}", ran.status.code());
}

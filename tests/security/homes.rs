//! The work folder below the home folder, wherever that is.

use crate::yard::{Yard, words};
use std::path::PathBuf;

#[test]
fn the_default_is_below_the_home_folder_however_that_is_called() {
    let yard = Yard::make();
    for name in ["plain", "with spaces", "it's", "a \"quote\"", "$HOME `id`", "ü \\ *", "-dash", "~"] {
        let home = PathBuf::from(yard.folder(name, 0o700));
        let ran = yard.run("{}", &home);
        assert_eq!(ran.status.code(), Some(0), "{name}: {}", words(&ran));
        assert!(home.join(".cutover/leases").is_dir(), "{name}");
        let ran = yard.run("{ work_dir: ~/of/ours, dump_dir: \"~/dumps of ours\" }", &home);
        assert_eq!(ran.status.code(), Some(0), "{name}: {}", words(&ran));
        assert!(home.join("of/ours/leases").is_dir(), "{name}");
    }
    let ran = yard.run("{}", &PathBuf::from("relative"));
    assert!(ran.status.code() != Some(0) && words(&ran).contains("/var/lib/cutover"), "{}", words(&ran));
}

#[test]
fn a_tilde_of_the_users_own_is_a_sign_as_any_other() {
    let yard = Yard::make();
    let step = "{ id: a, uses: command, with: { host: local, run: [sh, -c, 'printf %s \"$1\" > said', sh, ~/x] } }";
    yard.write("playbook.yaml", &format!("version: 1\nname: p\nsteps:\n  - {step}\n"));
    yard.write("inventory.yaml", "hosts: { local: {} }\n");
    let ran = yard.cutover(&["run", "playbook.yaml", "-i", "inventory.yaml", "--yes"], &yard.dir());
    assert_eq!(ran.status.code(), Some(0), "{}", words(&ran));
    assert_eq!(yard.read("said"), "~/x");
}

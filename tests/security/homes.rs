//! The work folder below the home folder, wherever that is.

use crate::lab::{Lab, Shape, Side};
use crate::yard::{Yard, words};
use cutover::domain::product::Family;
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
fn it_is_found_behind_any_login_shell_and_shown_as_it_is_stated() {
    let shape = Shape { family: Family::MariaDb, old: "", new: "", shells: ["tcsh", "fish"] };
    let lab = Lab::make(&shape).unwrap();
    lab.sql(Side::Old, "CREATE DATABASE shop; CREATE TABLE shop.t (id INT PRIMARY KEY)");
    lab.write("shop/db.env", "DB_HOST=127.0.0.1\n");
    lab.inventory("", &[("\"@WORK@/old\"", "\"~/it's ours\""), ("\"@WORK@/new\"", "~/w, dump_dir: ~/d")]);
    let plan = words(&lab.swap(&["plan"], &[]));
    for shown in ["in_folder ~/d ours", r"in_folder ~/'it'\''s ours' ours", "~/w/‹run›/‹step›.cnf", "~/'d/‹run›/"]
    {
        assert!(plan.contains(shown), "{shown} is not shown: {plan}");
    }
    // homes of the lab lie below /tmp, so both places are refused, by where they are
    let said = words(&lab.swap(&["run", "--yes"], &[]));
    assert!(said.contains("could not take the host") && said.contains("/tmp (owner root, mode 1777)"), "{said}");
    let ran = lab.swap(&["preflight"], &[]);
    let said = words(&ran);
    assert_eq!(ran.status.code(), Some(5), "{said}");
    for place in ["~/it's ours on old", "~/w on new", "~/d on new"] {
        let fault = format!("{place} cannot be written: /tmp (owner root, mode 1777) can be written by others");
        assert!(said.contains(&fault), "{fault}: {said}");
    }
    assert_eq!(lab.find(".cutover").len() + lab.find("it's ours").len(), 0, "nothing was made there");
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

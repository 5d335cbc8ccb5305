//! Files in folders that another account may write to: a plain one is replaced, with owner and mode as they were, and
//! whatever else stands in its place is neither followed nor waited for.

use crate::yard::{OTHER, Yard, give, is_root, local};
use cutover::error::Class;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;

const SECRET: &str = "canary of root";

#[tokio::test]
async fn nothing_that_was_planted_is_followed() {
    let yard = Yard::make();
    let (host, open) = (local().await, yard.folder("open", 0o777));
    let victim = yard.write("victim", SECRET);
    yard.folder("safe", 0o700);
    yard.link(&victim, "open/file");
    yard.link(&yard.path("safe"), "open/folder");
    yard.link(&yard.path("safe/none"), "open/nowhere");
    yard.folder("open/is_folder", 0o777);
    assert!(Command::new("mkfifo").arg(yard.path("open/fifo")).status().unwrap().success());
    for name in ["file", "folder/new", "nowhere", "is_folder", "fifo"] {
        let path = format!("{open}/{name}");
        let failure = host.write_file(&path, b"changed", None).await.unwrap_err();
        assert_eq!(failure.class, Class::Refused, "{name}: {failure}");
        let read = host.read_file(&path).await;
        assert!(read.as_ref().is_err_and(|failure| failure.class == Class::Refused), "{name}: {read:?}");
        assert!(!format!("{read:?}").contains(SECRET));
    }
    // removed is the link, and not what it leads to
    host.remove_file(&format!("{open}/file")).await.unwrap();
    assert_eq!(host.remove_file(&format!("{open}/folder/x")).await.unwrap_err().class, Class::Refused);
    assert_eq!(yard.read("victim"), SECRET);
    assert!(yard.names("safe").is_empty());
    assert_eq!(yard.names("open"), ["fifo", "folder", "is_folder", "nowhere"], "no file of ours was left");
    // nothing is made below a folder that others can swap
    assert_eq!(host.write_file(&format!("{open}/new/file"), b"x", None).await.unwrap_err().class, Class::Refused);
    // root's file under a second name
    std::fs::hard_link(&victim, yard.path("open/second")).unwrap();
    let read = host.read_file(&format!("{open}/second")).await;
    assert_eq!(read.unwrap_err().class, Class::Refused);
}

#[tokio::test]
async fn a_link_where_nobody_else_can_write_is_followed() {
    let yard = Yard::make();
    let host = local().await;
    yard.folder("real", 0o755);
    yard.write("real/my.cnf", "old");
    std::fs::set_permissions(yard.path("real/my.cnf"), std::fs::Permissions::from_mode(0o640)).unwrap();
    yard.link("real/my.cnf", "one");
    let link = yard.link(&yard.path("one"), "two");
    host.write_file(&link, b"new", None).await.unwrap();
    assert_eq!(
        (yard.read("real/my.cnf").as_str(), host.read_file(&link).await.unwrap()),
        ("new", Some(b"new".to_vec()))
    );
    assert_eq!(std::fs::metadata(yard.path("real/my.cnf")).unwrap().mode() & 0o7777, 0o640);
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    // the target is as others left it
    std::fs::set_permissions(yard.path("real/my.cnf"), std::fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(host.write_file(&link, b"x", None).await.unwrap_err().class, Class::Refused);
    std::fs::set_permissions(yard.path("real"), std::fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(host.write_file(&link, b"x", None).await.unwrap_err().class, Class::Refused);
    let around = yard.link(&yard.path("around"), "around");
    assert_eq!(host.write_file(&around, b"x", None).await.unwrap_err().class, Class::Refused);
}

#[tokio::test]
async fn an_applications_file_keeps_its_owner_and_its_mode() {
    if !is_root() {
        return;
    }
    let yard = Yard::make();
    let (host, app) = (local().await, yard.folder("app", 0o755));
    give(&app);
    for mode in [0o640, 0o600, 0o664, 0o4755] {
        let file = yard.write("app/db.env", "old");
        give(&file);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        host.write_file(&file, b"new", None).await.unwrap();
        let is = std::fs::symlink_metadata(&file).unwrap();
        assert_eq!((is.uid(), is.gid(), is.mode() & 0o7777), (OTHER, OTHER, mode & 0o777));
        host.write_file(&file, b"secret", Some(0o600)).await.unwrap();
        let is = std::fs::symlink_metadata(&file).unwrap();
        assert_eq!((is.uid(), is.mode() & 0o7777, yard.read("app/db.env").as_str()), (OTHER, 0o600, "secret"));
        std::fs::remove_file(&file).unwrap();
    }
    host.write_file(&format!("{app}/new"), b"x", None).await.unwrap();
    let is = std::fs::symlink_metadata(yard.path("app/new")).unwrap();
    assert_eq!((is.uid(), is.mode() & 0o7777), (0, 0o600));
}

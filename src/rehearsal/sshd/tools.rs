//! The programs of a host that has a database server of its own kind: the machine's, without its database programs.

use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::Path;

/// How the names of database programs begin.
const DATABASE: [&str; 3] = ["mysql", "mariadb", "mbstream"];

/// Links the programs of `clients` into `home/bin`, and those on `path` that are no database's into `home/tools`: what
/// is to be searched for programs after `home/bin`.
///
/// # Errors
/// What the file system answers.
pub fn of_its_own(home: &Path, clients: &Path, path: &str) -> Result<String, String> {
    let (bin, tools) = (home.join("bin"), home.join("tools"));
    for folder in [&bin, &tools] {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    link_all(clients, &bin, |_| true)?;
    for folder in std::env::split_paths(path).filter(|folder| folder.is_dir()) {
        link_all(&folder, &tools, |name| !DATABASE.iter().any(|start| name.starts_with(start)))?;
    }
    Ok(tools.display().to_string())
}

/// Links what stands in a folder; of two of the same name the first one is kept.
fn link_all(folder: &Path, into: &Path, fits: impl Fn(&str) -> bool) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("link the programs of {}: {error}", folder.display());
    for entry in folder.read_dir().map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if !fits(&name.to_string_lossy()) {
            continue;
        }
        match symlink(folder.join(&name), into.join(&name)) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(failed(error)),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::of_its_own;

    #[test]
    fn a_host_has_its_own_clients_and_none_of_the_machines() {
        let folder = tempfile::tempdir().unwrap();
        let make = |name: &str, programs: &[&str]| {
            let made = folder.path().join(name);
            std::fs::create_dir(&made).unwrap();
            for program in programs {
                std::fs::write(made.join(program), name).unwrap();
            }
            made
        };
        let own = make("own", &["mariadb", "mariadb-dump"]);
        let (first, second) = (make("first", &["awk", "mysqldump", "mariadb"]), make("second", &["awk", "zstd"]));
        let home = make("home", &[]);
        let path = format!("{}:{}:/nowhere", first.display(), second.display());
        let tools = of_its_own(&home, &own, &path).unwrap();
        let read = |file: &str| std::fs::read_to_string(home.join(file)).ok();
        assert_eq!(tools, home.join("tools").to_str().unwrap());
        assert_eq!(read("bin/mariadb").as_deref(), Some("own"));
        assert_eq!((read("tools/awk").as_deref(), read("tools/zstd").as_deref()), (Some("first"), Some("second")));
        assert_eq!((read("tools/mysqldump"), read("tools/mariadb")), (None, None));
    }
}

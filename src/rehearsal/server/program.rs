//! Finding the programs of a server: those of the machine, a release from its own folder in the cache, or any by path.

use super::choice::{Choice, what_can_be_given};
use super::release::{RELEASES, Release, is_lacking};
use crate::domain::product::{Family, Product};
use crate::error::{Failure, Result};
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// Programs of one installation.
#[derive(Debug, Clone)]
pub struct Program {
    /// What they are.
    pub product: Product,
    /// The server.
    pub server: PathBuf,
    /// The administrator's client, which can ask whether the server answers.
    pub admin: PathBuf,
    /// `mariadb-install-db`; `MySQL` installs itself.
    pub installer: Option<PathBuf>,
}

impl Program {
    /// Finds them. What the machine does not have is fetched into the user's cache folder, which takes a moment.
    ///
    /// # Errors
    /// When a program is missing and cannot be fetched. A refusal for a version that cannot be had: with those that can.
    pub async fn find(choice: &Choice) -> Result<Self> {
        match choice {
            Choice::Path(path) => Self::of(path.clone()).await,
            Choice::Version(family, version) => Self::of_version(*family, *version).await,
            Choice::Family(Family::MariaDb) => {
                let server = on_path(&["mariadbd"]).ok_or_else(|| {
                    Failure::permanent("find a server", "mariadbd is not installed")
                        .help("install the MariaDB server, or give the path of the program")
                })?;
                Self::of(server).await
            }
            Choice::Family(Family::MySql) => Self::of(mysql().await?).await,
        }
    }

    /// Whether a server was not found because the mirror answered that it does not have it: no later attempt helps.
    #[must_use]
    pub fn is_lacking(failure: &Failure) -> bool {
        is_lacking(failure)
    }

    async fn of_version(family: Family, version: (u16, u16)) -> Result<Self> {
        if let Some(own) = machines_own(family).await
            && is_of(own.1, version)
        {
            return Self::of(own.0).await;
        }
        let name = format!("{family} {}.{}", version.0, version.1);
        let Some(release) = Release::of(family, version) else {
            return Err(Failure::refused("find a server", format!("{name} is not available here"))
                .help(format!("give {}", what_can_be_given())));
        };
        let found = Self::of(release.fetched().await?).await?;
        if is_of(found.product, version) {
            return Ok(found);
        }
        // a suite that is still being worked on goes on to another version
        let answer = format!("{name} is no longer available: its suite now has {}", found.product);
        Err(Failure::refused("find a server", answer).help("give that version's path, or another version"))
    }

    async fn of(server: PathBuf) -> Result<Self> {
        let name = server.file_name().unwrap_or_default().to_string_lossy();
        if !["mysqld", "mariadbd"].iter().any(|known| name.starts_with(known)) {
            let answer = format!("{} is not a server program: these are called mysqld or mariadbd", server.display());
            return Err(Failure::refused("find a server", answer)
                .help("give the path of mysqld or mariadbd, or of the installation with it in its `bin` folder"));
        }
        let product = product_of(&server).await?;
        let family = product.family;
        let names: &[&str] = match family {
            Family::MariaDb => &["mariadb-admin", "mysqladmin"],
            Family::MySql => &["mysqladmin"],
        };
        let near = |names: &[&str]| names.iter().find_map(|name| beside(&server, name)).or_else(|| on_path(names));
        let admin = near(names).ok_or_else(|| {
            Failure::permanent("find a server", format!("{} is not installed", names[0]))
                .help("install the clients of the same family")
        })?;
        let installer = (family == Family::MariaDb).then(|| near(&["mariadb-install-db"])).flatten();
        Ok(Self { product, server, admin, installer })
    }

    /// The folder of its installation, which a server that was built for another place needs: that of a tarball.
    #[must_use]
    pub fn base(&self) -> Option<PathBuf> {
        let folder = std::path::absolute(self.server.parent()?).ok()?;
        let base = folder.parent()?;
        let is_own =
            ["bin", "sbin", "libexec"].iter().any(|name| folder.ends_with(name)) && base.join("share").is_dir();
        (is_own && !["/", "/usr"].iter().any(|usual| base == Path::new(usual))).then(|| base.to_owned())
    }

    /// Folder of its clients, when the search path does not lead there: to be searched first.
    #[must_use]
    pub fn clients(&self) -> Option<PathBuf> {
        let folder = self.admin.parent()?.canonicalize().ok()?;
        let path = std::env::var_os("PATH").unwrap_or_default();
        let searched = std::env::split_paths(&path).chain(["/usr/bin", "/bin"].map(PathBuf::from));
        let known = searched.filter_map(|folder| folder.canonicalize().ok()).any(|known| known == folder);
        (!known).then_some(folder)
    }
}

/// What a server program reports about itself: `mysqld  Ver 9.7.4-2 for Linux ...`.
async fn product_of(program: &Path) -> Result<Product> {
    let failed = |answer: String| Failure::permanent(format!("read the version of {}", program.display()), answer);
    let mut command = Command::new(program);
    let ran = command.args(["--no-defaults", "--version"]).output().await.map_err(|error| failed(error.to_string()))?;
    let text = String::from_utf8_lossy(&ran.stdout);
    if !ran.status.success() {
        return Err(failed(String::from_utf8_lossy(&ran.stderr).trim().to_owned()));
    }
    let version = text.split_once("Ver ").and_then(|(_, rest)| rest.split_whitespace().next());
    Product::from_version_text(version.unwrap_or_default()).map_err(failed)
}

/// The server of a family that is installed on this machine, and what it is.
async fn machines_own(family: Family) -> Option<(PathBuf, Product)> {
    let names: &[&str] = if family == Family::MariaDb { &["mariadbd", "mysqld"] } else { &["mysqld"] };
    let server = on_path(names)?;
    let product = product_of(&server).await.ok()?;
    (product.family == family).then_some((server, product))
}

fn is_of(product: Product, version: (u16, u16)) -> bool {
    (product.version.0, product.version.1) == version
}

/// The machine's own `mysqld` if it is `MySQL`'s, else the one in the cache, fetched if need be.
async fn mysql() -> Result<PathBuf> {
    if let Some((installed, _)) = machines_own(Family::MySql).await {
        return Ok(installed);
    }
    let newest = RELEASES.iter().rfind(|release| release.family == Family::MySql);
    let newest = newest.ok_or_else(|| Failure::permanent("find a server", "no MySQL is available for download"))?;
    newest.fetched().await
}

/// The folder of this program in the user's cache.
pub(in crate::rehearsal) fn cache() -> Option<PathBuf> {
    let given = std::env::var_os("XDG_CACHE_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    given.or_else(home).map(|cache| cache.join("cutover"))
}

fn on_path(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/usr/bin"].map(PathBuf::from);
    let dirs: Vec<PathBuf> = std::env::split_paths(&path).chain(usual).collect();
    names.iter().find_map(|name| dirs.iter().map(|dir| dir.join(name)).find(|program| program.is_file()))
}

/// A program of the same installation.
fn beside(program: &Path, name: &str) -> Option<PathBuf> {
    let dir = program.parent()?;
    [dir.join(name), dir.join("../bin").join(name), dir.join("../scripts").join(name)].into_iter().find(|p| p.is_file())
}

#[cfg(test)]
mod tests {
    use super::{Choice, Program};
    use crate::domain::product::Product;
    use std::path::PathBuf;

    #[tokio::test]
    async fn a_program_that_is_no_server_is_refused_by_name() {
        for path in ["/bin/sh", "/usr/bin/mysql"] {
            let failure = Program::find(&Choice::Path(path.into())).await.unwrap_err();
            assert!(
                failure.answer.starts_with(path) && failure.answer.contains("is not a server program"),
                "{failure}"
            );
        }
    }

    #[test]
    fn an_installation_of_its_own_is_told_where_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let program =
            |server: PathBuf| Program { product: Product::default(), admin: server.clone(), server, installer: None };
        let server = folder.path().join("bin/mariadbd");
        assert_eq!(program(server.clone()).base(), None);
        std::fs::create_dir(folder.path().join("share")).unwrap();
        assert_eq!(program(server).base(), Some(folder.path().to_owned()));
        assert_eq!(program("/usr/sbin/mariadbd".into()).base(), None);
        assert_eq!(program(folder.path().join("run/mariadbd")).base(), None);
    }

    /// Linking the machine's own programs would let the author of a stand-in write through to them.
    #[test]
    fn programs_of_the_machine_are_no_folder_of_their_own() {
        let clients = |admin: PathBuf| {
            let (server, installer) = (PathBuf::from("/usr/sbin/mariadbd"), None);
            Program { product: Product::default(), server, admin, installer }.clients()
        };
        for admin in ["/usr/bin/mariadb-admin", "/bin/mariadb-admin", "/usr/sbin/../bin/mariadb-admin"] {
            assert_eq!(clients(admin.into()), None, "{admin}");
        }
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().canonicalize().unwrap();
        assert_eq!(clients(own.join("mysqladmin")), Some(own));
    }
}

//! Secrets, read once at the start, revealed at the last moment before use, and scrubbed from everything that comes
//! back.

mod command;

use super::host::hide_variable;
use crate::domain::Lookup;
use crate::domain::marker;
use crate::domain::secret::SecretRef;
use crate::error::{Failure, Result};
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Bytes that a secret may have.
const LARGEST: usize = 64 << 10;
/// What a failed program printed is kept out of its complaint, but for parts that are shorter: words hold those.
const SHORTEST: usize = 4;

/// The values behind the markers `‹secret NAME›`.
#[derive(Debug, Default)]
pub struct Secrets {
    values: BTreeMap<String, SecretString>,
    /// Where relative paths begin.
    folder: PathBuf,
}

impl Secrets {
    /// Reads every secret; relative files are seen from `folder`.
    ///
    /// # Errors
    /// All secrets that could not be had, never their values.
    pub fn read<'a>(refs: impl IntoIterator<Item = &'a SecretRef>, folder: &Path) -> Result<Self, Vec<Failure>> {
        Self::read_within(refs, folder, command::LIMIT)
    }

    fn read_within<'a>(
        refs: impl IntoIterator<Item = &'a SecretRef>,
        folder: &Path,
        limit: Duration,
    ) -> Result<Self, Vec<Failure>> {
        let (mut known, mut faults) = (Self { folder: folder.to_owned(), ..Self::default() }, Vec::new());
        let refs: Vec<_> = refs.into_iter().collect();
        // before the first program is started that prints one
        for secret in &refs {
            if let SecretRef::Env(name) = secret {
                hide_variable(name);
            }
        }
        for secret in refs {
            match read_one(secret, folder, limit) {
                Ok(value) => drop(known.values.insert(secret.label(), SecretString::from(value))),
                Err(fault) => faults.push((secret, fault)),
            }
        }
        if faults.is_empty() {
            return Ok(known);
        }
        // only now, when every secret that can be had is known, can all of them be kept out of the words
        Err(faults.into_iter().map(|(secret, fault)| failure(secret, fault.words(&known))).collect())
    }

    /// Secrets that are known already.
    #[must_use]
    pub fn known(values: impl IntoIterator<Item = (SecretRef, String)>) -> Self {
        let values = values.into_iter().map(|(secret, value)| (secret.label(), SecretString::from(value))).collect();
        Self { values, folder: PathBuf::new() }
    }

    /// The folder that relative files of the inventory are seen from: where secrets were read, the inventory's own.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The value of a secret.
    ///
    /// # Errors
    /// When it was not read at the start.
    pub fn value(&self, secret: &SecretRef) -> Result<&SecretString> {
        self.values.get(&secret.label()).ok_or_else(|| {
            Failure::permanent(format!("use the secret {}", secret.label()), "it was not read at the start")
        })
    }

    /// `text` with every secret value replaced by its marker: for the output of other programs.
    #[must_use]
    pub fn scrub(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for (label, value) in &self.values {
            let value = value.expose_secret();
            if !value.is_empty() && clean.contains(value) {
                clean = clean.replace(value, &marker::secret(label));
            }
        }
        clean
    }
}

fn failure(secret: &SecretRef, answer: String) -> Failure {
    let help = match secret {
        SecretRef::Env(name) => format!("set the environment variable {name} and run again"),
        SecretRef::File(path) => format!("write the secret to {path} with mode 0600"),
        SecretRef::Command(_) => {
            let limit = command::LIMIT.as_secs();
            format!("run the command by hand: it gets no input and no terminal, and must end within {limit} s")
        }
    };
    Failure::permanent(format!("read the secret {}", secret.marker()), answer).now("nothing was touched").help(help)
}

impl Lookup for Secrets {
    fn secret(&self, label: &str) -> Option<&SecretString> {
        self.values.get(label)
    }
}

/// Why a secret is not available, and its program's output, which is not yet safe to show.
#[derive(Debug, Default)]
struct Fault {
    answer: String,
    complaint: String,
    printed: Vec<u8>,
}

impl From<String> for Fault {
    fn from(answer: String) -> Self {
        Self { answer, ..Self::default() }
    }
}

impl Fault {
    /// In words: the program's last lines, without any secret that is known, and without what it printed as one.
    fn words(&self, known: &Secrets) -> String {
        let printed = String::from_utf8_lossy(&self.printed);
        let mut complaint = known.scrub(&self.complaint);
        let parts = std::iter::once(printed.trim()).chain(printed.lines().map(str::trim));
        for part in parts.filter(|part| part.len() >= SHORTEST) {
            complaint = complaint.replace(part, "‹its output›");
        }
        let complaint = command::shown(&complaint);
        if complaint.is_empty() { self.answer.clone() } else { format!("{}: {complaint}", self.answer) }
    }
}

fn read_one(secret: &SecretRef, folder: &Path, limit: Duration) -> Result<String, Fault> {
    let bytes = match secret {
        SecretRef::Env(name) => std::env::var_os(name)
            .ok_or_else(|| format!("the environment variable {name} is not set"))?
            .into_encoded_bytes(),
        SecretRef::File(path) => read_file(&folder.join(path)).map_err(|error| format!("{path}: {error}"))?,
        SecretRef::Command(argv) => command::run(argv, limit, LARGEST).map_err(|fault| Fault {
            answer: fault.how,
            complaint: fault.complaint,
            printed: fault.printed,
        })?,
    };
    let whose = match secret {
        SecretRef::Command(argv) => format!("the output of {}", argv.first().map_or("it", String::as_str)),
        SecretRef::Env(name) => format!("the environment variable {name}"),
        SecretRef::File(path) => path.clone(),
    };
    let value = text(bytes, &whose)?;
    let is_variable = matches!(secret, SecretRef::Env(_)); // nobody but its author has put a line's end there
    let line = value.strip_suffix('\n').filter(|_| !is_variable);
    let value = line.map_or(value.clone(), |line| line.strip_suffix('\r').unwrap_or(line).to_owned());
    if value.is_empty() { Err(format!("{whose} is empty").into()) } else { Ok(value) }
}

/// At most one byte more than a secret may have, so that a device or a dump named by mistake is not read whole.
fn read_file(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(LARGEST as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Text that can be a password: what servers and client programs would cut off, or take for something else, is refused.
fn text(bytes: Vec<u8>, whose: &str) -> Result<String, Fault> {
    if bytes.len() > LARGEST {
        return Err(format!("{whose} is longer than {LARGEST} bytes, so it is not a password").into());
    }
    if bytes.contains(&0) {
        return Err(format!("{whose} holds a NUL byte, at which a password would be cut off").into());
    }
    String::from_utf8(bytes).map_err(|_| format!("{whose} is not UTF-8 text").into())
}

#[cfg(test)]
mod tests {
    use super::Secrets;
    use crate::domain::secret::SecretRef;
    use std::time::Duration;

    #[test]
    fn reveals_where_asked_and_scrubs_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("pw"), "it's\n").unwrap();
        let file = SecretRef::File("pw".into());
        let secrets = Secrets::read([&file], folder.path()).unwrap();
        assert_eq!(secrets.scrub("using it's"), "using ‹secret pw›");
        assert!(secrets.value(&file).is_ok() && secrets.value(&SecretRef::File("other".into())).is_err());
    }

    #[test]
    fn says_every_missing_one() {
        let (a, b) = (SecretRef::Env("CUTOVER_TEST_NOT_SET".into()), SecretRef::File("nowhere".into()));
        let failures = Secrets::read([&a, &b], std::path::Path::new("/")).unwrap_err();
        assert_eq!(failures.len(), 2);
        assert!(failures[0].help.as_ref().unwrap().contains("CUTOVER_TEST_NOT_SET"));
    }

    fn sh(script: &str) -> SecretRef {
        SecretRef::Command(["sh", "-c", script].map(str::to_owned).into())
    }

    fn answer(secret: &SecretRef, folder: &std::path::Path) -> String {
        Secrets::read_within([secret], folder, Duration::from_millis(500)).unwrap_err().remove(0).answer
    }

    #[test]
    fn a_command_that_fails_shows_what_it_said_and_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), "s3cr3t-token").unwrap();
        let leaks = sh("echo half-a-password; echo \"vault is sealed: s3cr3t-token half-a-password\" >&2; exit 3");
        // the token is read after the command that shows it
        let refs = [leaks, SecretRef::File("token".into())];
        let failure = Secrets::read(&refs, folder.path()).unwrap_err().remove(0);
        assert_eq!(failure.answer, "sh ended with code 3: vault is sealed: ‹secret token› ‹its output›");
        assert!(answer(&sh("echo waiting >&2; sleep 60"), folder.path()).contains("did not end within 0.5 s"));
    }

    #[test]
    fn only_text_that_can_be_a_password_is_one() {
        let folder = tempfile::tempdir().unwrap();
        for (script, words) in [
            ("true", "is empty"),
            ("echo", "is empty"),
            ("printf 'a\\0b'", "NUL"),
            ("printf '\\377'", "not UTF-8"),
            ("head -c 70000 /dev/zero | tr '\\0' x", "more than 65536 bytes"),
        ] {
            assert!(
                answer(&sh(script), folder.path()).contains(words),
                "{script}: {}",
                answer(&sh(script), folder.path())
            );
        }
        for (content, words) in
            [(&b"\0"[..], "NUL"), (b"\xff", "UTF-8"), (b"\n", "is empty"), (&vec![b'x'; 70_000], "longer")]
        {
            std::fs::write(folder.path().join("pw"), content).unwrap();
            assert!(answer(&SecretRef::File("pw".into()), folder.path()).contains(words), "{words}");
        }
        assert!(answer(&SecretRef::File("/dev/zero".into()), folder.path()).contains("longer"));
    }
}

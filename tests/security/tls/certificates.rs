//! An authority, and certificates of every kind that a server may show; by the `openssl` program, as operators make them.

use std::path::{Path, PathBuf};
use std::process::Command;

const NEW_KEY: [&str; 6] = ["req", "-new", "-nodes", "-newkey", "ec", "-pkeyopt"];
const CURVE: &str = "ec_paramgen_curve:prime256v1";

/// What `openssl ca` asks for before it signs.
const CONFIG: &str = "[ca]\ndefault_ca = a\n[a]\ndatabase = index\nserial = serial\nnew_certs_dir = .\n\
                      default_md = sha256\npolicy = p\ncopy_extensions = copy\nunique_subject = no\n\
                      [p]\ncommonName = supplied\n";

/// An authority in a folder of its own.
pub struct Authority {
    dir: PathBuf,
}

impl Authority {
    pub fn new(dir: &Path) -> Self {
        std::fs::create_dir_all(dir).unwrap();
        let authority = Self { dir: dir.to_owned() };
        for (file, text) in [("config", CONFIG), ("index", ""), ("serial", "01\n")] {
            std::fs::write(dir.join(file), text).unwrap();
        }
        let own = ["-x509", "-days", "30", "-addext", "keyUsage = keyCertSign, cRLSign", "-out", "ca.pem"];
        authority
            .openssl(&[&NEW_KEY[..], &[CURVE, "-subj", "/CN=authority", "-keyout", "ca-key.pem"], &own[..]].concat());
        authority
    }

    /// Its own certificate.
    pub fn file(&self) -> PathBuf {
        self.dir.join("ca.pem")
    }

    /// A server's certificate for `names` (`DNS:db1, IP:127.0.0.1`), good until the end of `year`, and the lines of a
    /// configuration that name it. One that was made before is replaced.
    pub fn sign(&self, names: &str, year: u32) -> Vec<String> {
        let names = format!("subjectAltName = {names}");
        let request = ["-subj", "/CN=server", "-keyout", "key.pem", "-out", "request.pem", "-addext", &names];
        self.openssl(&[&NEW_KEY[..], &[CURVE], &request[..]].concat());
        let until = format!("{year}1231235959Z");
        let dates = ["-startdate", "20200101000000Z", "-enddate", &until];
        let files = ["-cert", "ca.pem", "-keyfile", "ca-key.pem", "-in", "request.pem", "-out", "cert.pem"];
        self.openssl(&[&["ca", "-batch", "-notext", "-config", "config"], &files[..], &dates].concat());
        let line = |name: &str, file: &str| format!("{name} = {}", self.dir.join(file).display());
        vec![line("ssl_ca", "ca.pem"), line("ssl_cert", "cert.pem"), line("ssl_key", "key.pem")]
    }

    fn openssl(&self, words: &[&str]) {
        let made = Command::new("openssl").args(words).current_dir(&self.dir).output().unwrap();
        assert!(made.status.success(), "{words:?}: {}", String::from_utf8_lossy(&made.stderr));
    }
}

//! How a shared store is reached: by TLS that is verified, with a password from a file.

use crate::cluster::{Cluster, USER};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

fn openssl(folder: &Path, words: &str) {
    let output = Command::new("openssl").args(words.split(' ')).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "openssl {words}: {}", String::from_utf8_lossy(&output.stderr));
}

fn authority(folder: &Path, name: &str) {
    let files = format!("-keyout {name}.key -out {name}.pem");
    openssl(folder, &format!("req -x509 -newkey rsa:2048 -nodes -days 9 -subj /CN={name} {files}"));
}

fn password_file(folder: &Path, line: &str, mode: u32) {
    let file = folder.join("passwords");
    fs::write(&file, line).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_store_is_reached_by_verified_tls_with_a_password_from_a_file_for_its_owner() {
    let (folder, cluster) = (tempfile::tempdir().unwrap(), Cluster::start());
    let (folder, node) = (folder.path(), &cluster.nodes[0]);
    for name in ["right", "wrong"] {
        authority(folder, name);
    }
    fs::write(folder.join("names"), "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n").unwrap();
    openssl(folder, "req -newkey rsa:2048 -nodes -subj /CN=store -keyout server.key -out server.csr");
    openssl(
        folder,
        "x509 -req -in server.csr -CA right.pem -CAkey right.key -CAcreateserial -days 9 -extfile names -out server.pem",
    );
    node.take_only_by_tls(&folder.join("server.pem"), &folder.join("server.key"), "ge:he\\im");

    let list = |authority: &str| {
        let state =
            format!("postgres://{USER}@127.0.0.1:{}/store?sslrootcert={}", node.port, folder.join(authority).display());
        let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
        command.args(["list", "--state", &state]).env_remove("PGPASSWORD").env("PGPASSFILE", folder.join("passwords"));
        let Output { stdout, stderr, .. } = command.env("XDG_STATE_HOME", folder).output().unwrap();
        let said = String::from_utf8_lossy(&[stdout, stderr].concat()).replace("\n  │ ", " ");
        assert!(!said.contains("ge:he") && !said.contains("ge\\:he"), "a password in {said}");
        said
    };
    let right = format!("127.0.0.1:{}:store:{USER}:ge\\:he\\\\im\n", node.port);
    for (line, mode, authority, wanted) in [
        (right.as_str(), 0o600, "right.pem", "no runs yet"), // it was reached, and holds nothing yet
        (&right, 0o600, "wrong.pem", "invalid peer certificate"),
        (&right, 0o600, "missing.pem", "missing.pem"),
        (&right, 0o644, "right.pem", "others can read it"),
        ("other:1:a:b:c\n", 0o600, "right.pem", "it requires a password"),
        ("*:*:*:*:other\n", 0o600, "right.pem", "password authentication failed"),
    ] {
        password_file(folder, line, mode);
        let said = list(authority);
        assert!(said.contains(wanted), "{authority}, {line}: {said}");
    }
}

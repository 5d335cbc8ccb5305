//! The pod of every manifest: the program and its volumes and secrets.

use crate::schedule::export::Place;
use serde_json::{Value, json};
use std::path::Path;

/// The folder for the pod's own files.
const LOCAL: &str = "/var/lib/cutover";

/// The requirements in the namespace, as comment lines.
pub fn needs(place: &Place) -> String {
    let state = if place.is_shared() {
        "#   the Secret cutover-store with `pgpass`, a line HOST:PORT:DATABASE:USER:PASSWORD for each server of the store\n"
    } else {
        "#   the PersistentVolumeClaim cutover-state (ReadWriteOnce, no network file system): the journal\n"
    };
    format!(
        "# Needs an image with this program and ssh in it whose user is root, and in the same namespace:\n{state}\
         #   the PersistentVolumeClaim cutover-files: {} with all files that it names\n\
         #   the Secret cutover-ssh: `id_ed25519` and `known_hosts`, and a `config` where one is needed\n\
         #   the Secret cutover-secrets: the variables that the inventories name\n",
        place.file.display()
    )
}

/// A pod with this command line; `more` is added to its container.
pub fn pod(place: &Place, words: &[String], restart: &str, more: Value) -> Value {
    // Kubernetes replaces $(NAME) with variables, and $$ with a dollar sign
    let words: Vec<String> = words.iter().map(|word| word.replace('$', "$$")).collect();
    let folder = place.file.parent().unwrap_or(Path::new("/"));
    let mount =
        |name: &str, path: &Path, read_only: bool| json!({ "name": name, "mountPath": path, "readOnly": read_only });
    let claim = |name: &str, claim: &str| json!({ "name": name, "persistentVolumeClaim": { "claimName": claim } });
    // ssh and the PostgreSQL client refuse keys and passwords that others can read
    let secret =
        |name: &str, secret: &str| json!({ "name": name, "secret": { "secretName": secret, "defaultMode": 0o400 } });
    let mut mounts = vec![mount("files", folder, true), mount("ssh", Path::new("/root/.ssh"), true)];
    let mut volumes = vec![claim("files", "cutover-files"), secret("ssh", "cutover-ssh")];
    let mut container = json!({
        "name": "cutover",
        "image": place.image,
        "command": [words[0]],
        "args": words[1..],
        "envFrom": [{ "secretRef": { "name": "cutover-secrets", "optional": true } }],
    });
    if place.is_shared() {
        container["env"] = json!([
            { "name": "PGPASSFILE", "value": "/etc/cutover-store/pgpass" },
            { "name": "XDG_STATE_HOME", "value": LOCAL },
        ]);
        mounts.extend([mount("store", Path::new("/etc/cutover-store"), true), mount("state", Path::new(LOCAL), false)]);
        volumes.extend([secret("store", "cutover-store"), json!({ "name": "state", "emptyDir": {} })]);
    } else {
        mounts.push(mount("state", Path::new(&place.state), false));
        volumes.push(claim("state", "cutover-state"));
    }
    container["volumeMounts"] = mounts.into();
    if let (Some(container), Value::Object(more)) = (container.as_object_mut(), more) {
        container.extend(more);
    }
    json!({
        "restartPolicy": restart,
        "terminationGracePeriodSeconds": 3600,
        "containers": [container],
        "volumes": volumes,
    })
}

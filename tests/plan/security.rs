//! Doors that a document, a folder or a name could open.

use crate::plan::{INVENTORY, SAMPLE, cutover, file};
use std::path::Path;

fn refused(args: &[&str]) -> String {
    let output = cutover(args).output().unwrap();
    assert!(!output.status.success() && output.stdout.is_empty(), "{args:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// The inventory with one of its lines changed.
fn changed(folder: &tempfile::TempDir, from: &str, to: &str) -> String {
    let text = std::fs::read_to_string(INVENTORY).unwrap();
    assert!(text.contains(from), "{text}");
    file(folder, "i.yaml", &text.replacen(from, to, 1)).display().to_string()
}

#[test]
fn an_ssh_destination_is_no_option() {
    let folder = tempfile::tempdir().unwrap();
    for to in ["ssh: \"-oProxyCommand=touch x\"", "ssh: \"a\\nb\""] {
        let inventory = changed(&folder, "ssh: user@old-server-ip", to);
        let said = refused(&["plan", SAMPLE, "-i", &inventory]);
        assert!(said.contains("option") || said.contains("control character"), "{said}");
    }
    let inventory = changed(&folder, "host: app1", "host: \"-oProxyCommand=x\"");
    assert!(refused(&["plan", SAMPLE, "-i", &inventory]).contains("option"));
}

#[test]
fn a_path_ends_no_line() {
    let folder = tempfile::tempdir().unwrap();
    let inventory =
        changed(&folder, "config_file: /etc/mysql/my.cnf", "config_file: \"/etc/my.cnf\\n* * * * * root id\"");
    assert!(refused(&["plan", SAMPLE, "-i", &inventory]).contains("control character"));

    // security/newline_in_playbook_name.yaml
    let schedules = "version: 1\nschedules:\n  a: { action: rehearse, playbook: \"pb/x.yaml\\n* * * * * root touch PWNED #.yaml\", cron: \"0 4 * * *\", time_zone: UTC }\n";
    let schedules = file(&folder, "schedules.yaml", schedules);
    for format in ["cron", "systemd", "kubernetes", "github", "gitlab"] {
        let said = refused(&["schedule", "export", "--schedules", schedules.to_str().unwrap(), "--format", format]);
        assert!(said.contains("control character"), "{format}: {said}");
    }
}

#[test]
fn a_tunnel_listens_to_its_own_host_alone() {
    let folder = tempfile::tempdir().unwrap();
    let tunnel = |listen: &str| {
        let step = format!(
            "  - {{ id: t, uses: tunnel, with: {{ from: new, to: old, forward: 127.0.0.1:3306, listen: '{listen}' }} }}\n"
        );
        file(&folder, "p.yaml", &format!("version: 1\nname: t\nsteps:\n{step}")).display().to_string()
    };
    for open in ["0.0.0.0:3307", "10.0.0.5:3307", "[::]:3307", "new:3307"] {
        assert!(refused(&["plan", &tunnel(open), "-i", INVENTORY]).contains("anyone who can reach new"), "{open}");
    }
    for own in ["127.0.0.1:3307", "[::1]:3307", "localhost:3307"] {
        assert!(cutover(&["plan", &tunnel(own), "-i", INVENTORY]).output().unwrap().status.success(), "{own}");
    }
}

#[test]
fn templates_are_not_taken_from_elsewhere() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(elsewhere.path().join("x.j2"), "secret").unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), folder.path().join("templates")).unwrap();
    let step = "  - { id: r, uses: render, with: { template: x.j2, host: new, path: /etc/x } }\n";
    std::fs::create_dir(folder.path().join("playbooks")).unwrap();
    for name in ["p.yaml", "playbooks/p.yaml"] {
        let playbook = file(&folder, name, &format!("version: 1\nname: t\nsteps:\n{step}"));
        let said = refused(&["plan", playbook.to_str().unwrap(), "-i", INVENTORY]);
        assert!(said.contains("is a link to") && !said.contains("secret"), "{said}");
    }
}

#[test]
fn a_playbook_named_without_a_folder_finds_its_templates() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("below")).unwrap();
    std::fs::create_dir(folder.path().join("templates")).unwrap();
    std::fs::write(folder.path().join("templates/x.j2"), "made\n").unwrap();
    let text =
        "version: 1\nname: t\nsteps:\n  - { id: r, uses: render, with: { template: x.j2, host: h, path: /etc/x } }\n";
    for (at, hosts) in [(folder.path().to_owned(), "hosts.yaml"), (folder.path().join("below"), "../hosts.yaml")] {
        std::fs::write(at.join("p.yaml"), text).unwrap();
        std::fs::write(folder.path().join("hosts.yaml"), "hosts: { h: {} }\n").unwrap();
        let ended = cutover(&["plan", "p.yaml", "-i", hosts]).current_dir(&at).output().unwrap();
        assert!(ended.status.success(), "{}: {}", at.display(), String::from_utf8_lossy(&ended.stderr));
    }
}

#[test]
fn a_rehearsal_removes_only_what_it_made() {
    let around = tempfile::tempdir().unwrap();
    for (name, more) in [("a", &[][..]), ("b", &["--fault", "kill@after:nosuch", "--keep"])] {
        let precious = around.path().join(name);
        std::fs::create_dir(&precious).unwrap();
        std::fs::write(precious.join("f"), "x").unwrap();
        let args = [&["rehearse", "playbooks/preflight_only.yaml", "--dir", precious.to_str().unwrap()], more].concat();
        assert!(refused(&args).contains("already exists"));
        assert_eq!(std::fs::read_to_string(precious.join("f")).unwrap(), "x", "{}", Path::new(name).display());
    }
}

#[test]
fn variables_are_passed_to_programs_here_and_hold_no_secret() {
    let playbook = tempfile::tempdir().unwrap();
    let step = "version: 1\nname: t\nsteps:\n  - { id: c, uses: command, with: { host: h, run: [env] } }\n";
    let step = file(&playbook, "p.yaml", step);
    let server = "servers: { s: { host: h, address: \"127.0.0.1:1\", user: u, password: { env: A_PASSWORD } } }\n";
    for (host, said) in
        [("ssh: old, pass_env: [AWS_PROFILE]", "not the runner's"), ("pass_env: [A_PASSWORD]", "holds a secret")]
    {
        let hosts = file(&playbook, "hosts.yaml", &format!("hosts: {{ h: {{ {host} }} }}\n{server}"));
        let told = refused(&["plan", step.to_str().unwrap(), "-i", hosts.to_str().unwrap()]);
        assert!(told.contains(said), "{told}");
    }
}

#[test]
fn a_program_here_finds_the_environment_of_a_login() {
    let folder = tempfile::tempdir().unwrap();
    let found = folder.path().join("found");
    let run = format!("[sh, -c, 'env > {0}; ulimit -c >> {0}']", found.display());
    let step =
        format!("version: 1\nname: t\nsteps:\n  - {{ id: c, uses: command, with: {{ host: h, run: {run} }} }}\n");
    let step = file(&folder, "p.yaml", &step);
    let hosts = file(&folder, "hosts.yaml", "hosts: { h: { pass_env: [ASKED_FOR] } }\n");
    let mut runner = cutover(&["run", step.to_str().unwrap(), "-i", hosts.to_str().unwrap()]);
    let odd = [("ASKED_FOR", "yes-1"), ("LD_PRELOAD_X", "no-1"), ("MYSQL_PWD", "no-2"), ("BASH_ENV", "no-3")];
    let ended = runner.envs(odd).env("CUTOVER_STATE", folder.path().join("state")).output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    let said = std::fs::read_to_string(found).unwrap();
    assert!(said.contains("ASKED_FOR=yes-1") && said.contains("PATH="), "{said}");
    assert!(odd[1..].iter().all(|(_, value)| !said.contains(value)), "{said}");
    assert_eq!(said.lines().next_back(), Some("0"), "a crash leaves a file with what is in memory: {said}");
}

#[test]
fn exported_files_hold_what_was_meant() {
    let folder = tempfile::tempdir().unwrap();
    let schedule = "{ action: plan, playbook: p.yaml, cron: \"0 4 * * *\", time_zone: UTC }";
    let schedules = file(&folder, "schedules.yaml", &format!("version: 1\nschedules:\n  a: {schedule}\n"));
    let export = |format: &str, program: &str| {
        let args = ["schedule", "export", "--format", format, "--schedules", schedules.to_str().unwrap()];
        cutover(&args).args(["--program", program, "--state", "/s"]).output().unwrap()
    };
    for format in ["cron", "systemd", "kubernetes", "github", "gitlab"] {
        let ended = export(format, "/opt/x\n* * * * * root touch /tmp/PWNED");
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(5), "{format}: {said}");
        assert!(said.contains("control character") && ended.stdout.is_empty(), "{format}: {said}");
    }
    let odd = "/opt/50% $(HOME) ${{ secrets.X }} \u{202e}%n";
    for (format, stands) in [
        ("cron", "50\\% $(HOME)"),
        ("systemd", "/opt/50%% $$(HOME) $${{ secrets.X }}"),
        ("kubernetes", "$$(HOME)"),
        ("github", "${{ '${{' }} secrets.X }}"),
        ("gitlab", "'/opt/50% $(HOME)"),
    ] {
        let ended = export(format, odd);
        let text = String::from_utf8_lossy(&ended.stdout).into_owned();
        assert!(ended.status.success() && text.contains(stands), "{format}: {text}");
        assert!(!text.contains('\u{202e}'), "{format}: {text}");
    }
}

/// What a plan says of a runner on no other machine, for a server at `address` with `more` in the inventory.
fn planned(address: &str, host: &str, more: &str, policy: &str) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let step = "  - { id: s, uses: sql, with: { server: db, statements: ['DO 1'] } }\n";
    let playbook = file(&folder, "p.yaml", &format!("version: 1\nname: t\nsteps:\n{step}"));
    let inventory = format!(
        "hosts: {{ m: {{ {host} }} }}\nservers:\n  db: {{ host: m, address: \"{address}\", user: u{more} }}\n\
         policy: {{ encrypted_replication: {policy} }}\n"
    );
    let inventory = file(&folder, "i.yaml", &inventory);
    let output = cutover(&["plan", playbook.to_str().unwrap(), "-i", inventory.to_str().unwrap()]).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

#[test]
fn the_runner_speaks_plain_text_to_no_other_machine() {
    for away in ["10.0.0.7:3306", "[2001:db8::7]:3306", "[::ffff:10.0.0.7]:3306", "0.0.0.0:3306"] {
        let said = planned(away, "", "", "required").unwrap_err();
        assert!(
            said.contains("in plain text") && said.contains("another machine") && said.contains("i.yaml:3"),
            "{said}"
        );
        assert!(planned(away, "", "", "optional").is_ok(), "{away}: the policy allows it");
        assert!(planned(away, "ssh: m", "", "required").is_ok(), "{away}: through ssh");
        assert!(planned(away, "", ", tls: { ca: ca.pem }", "required").is_ok(), "{away}: by TLS");
    }
    // a login that is tried for an application that stands on the runner's machine
    let shop = "\napplications: { shop: { config: { template: app.env.j2, path: /x, host: here }, accounts: [{ user: s, \
                password: { env: S } }] } }";
    let accounts = "{ id: a, uses: accounts, with: { application: shop, from: db, to: db2 } }";
    let folder = tempfile::tempdir().unwrap();
    let playbook = file(&folder, "p.yaml", &format!("version: 1\nname: t\nsteps:\n  - {accounts}\n"));
    let server =
        |name: &str, more: &str| format!("  {name}: {{ host: m, address: \"127.0.0.1:3306\", user: u{more} }}\n");
    for (more, is_refused) in [(", endpoint: \"10.0.0.8:3306\"", true), (", endpoint: \"127.0.0.1:3307\"", false)] {
        let servers = server("db", "") + &server("db2", more);
        let text = format!("hosts: {{ m: {{ ssh: m }}, here: {{}} }}\nservers:\n{servers}{shop}\n");
        let inventory = file(&folder, "i.yaml", &text);
        let args = ["plan", playbook.to_str().unwrap(), "-i", inventory.to_str().unwrap()];
        let output = cutover(&args).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.success(), !is_refused, "{said}");
        assert!(!is_refused || said.contains("`db2` at 10.0.0.8:3306 in plain text"), "{said}");
    }
    // a name shows only at run time what it stands for
    for here in ["127.0.0.1:3306", "[::1]:3306", "localhost:3306", "db1.example:3306"] {
        assert!(planned(here, "", "", "required").is_ok(), "{here}");
    }
}

#[test]
fn a_plan_says_what_its_connections_are_covered_by() {
    let plan = |tls: &str| planned("db1.example:3306", "", &format!(", tls: {{ ca: ca.pem{tls} }}"), "required");
    assert!(plan("").unwrap().contains("a certificate signed by ca.pem for db1.example"));
    assert!(plan(", server_name: db.internal").unwrap().contains("by ca.pem for db.internal"));
    assert!(plan(", verify: chain").unwrap().contains("is not checked (`verify: chain`)"));
    for wrong in ["db1:3306", "https://db1", "db1 x", ""] {
        let said = plan(&format!(", server_name: \"{wrong}\"")).unwrap_err();
        assert!(said.contains("neither a host name nor an IP address"), "{wrong}: {said}");
    }
    assert!(plan(", verify: none").unwrap_err().contains("chain"));
}

/// The file of the runner's own folder is not on the hosts that connect.
#[test]
fn a_program_on_another_host_is_told_where_the_authority_is() {
    let folder = tempfile::tempdir().unwrap();
    let playbook = |step: &str| file(&folder, "p.yaml", &format!("version: 1\nname: t\nsteps:\n  - {step}\n"));
    let plan = |step: &str, tls: &str| {
        let inventory = format!(
            "hosts: {{ a: {{ ssh: a }}, b: {{ ssh: b }}, here: {{}} }}\nservers:\n  one: {{ host: a, address: \"127.0.0.1:3306\", \
             endpoint: \"10.0.0.1:3306\", user: u, family: mysql, tls: {{ {tls} }} }}\n  two: {{ host: here, address: \
             \"10.0.0.2:3306\", user: u, tls: {{ {tls} }} }}\n"
        );
        let inventory = file(&folder, "i.yaml", &inventory);
        let playbook = playbook(step);
        let args = ["plan", playbook.to_str().unwrap(), "-i", inventory.to_str().unwrap(), "--format", "json"];
        let output = cutover(&args).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
    };
    let latency = "{ id: l, uses: latency, with: { host: b, servers: [one, two] } }";
    let import = "{ id: i, uses: import, with: { server: two, file: /x.sql.zst } }";
    let dump = "{ id: d, uses: dump, with: { server: two } }";
    for step in [latency, import, dump] {
        assert!(plan(step, "ca: ca.pem").unwrap_err().contains("ca_on_host"), "{step}");
        for tls in ["ca: ca.pem, ca_on_host: /etc/ca.pem", "ca: /etc/ca.pem"] {
            let plan = plan(step, tls).unwrap();
            assert!(plan.contains("ssl-ca") && plan.contains("/etc/ca.pem"), "{step}: {plan}");
        }
    }
    let by_chain = plan(latency, "ca: /etc/ca.pem, verify: chain").unwrap();
    assert!(by_chain.contains("verified VERIFY_CA") && !by_chain.contains("verified VERIFY_IDENTITY"));
    // on the server's own host nothing leaves the machine
    let own = plan("{ id: i, uses: import, with: { server: one, file: /x.sql.zst } }", "ca: ca.pem").unwrap();
    assert!(!own.contains("ssl-ca"));
}

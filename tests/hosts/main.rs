//! Hosts, shells and jobs against a real sshd.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod jobs;
mod yard;

use cutover::effects::{Host, Shell};
use cutover::error::Class;
use cutover::rehearsal::sshd::Sshd;
use cutover::rehearsal::work_folder::WorkFolder;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use yard::{Yard, local, until};

async fn runs_programs(host: &Host) {
    let odd = ["a b", "$HOME", "it's \"x\" `id`", "two\nlines\n", "", "*", "!bang \\", "ü"];
    let mut argv = vec!["printf", "%s|"];
    argv.extend(odd);
    let ran = host.run(&argv, None).await.unwrap();
    assert_eq!(String::from_utf8(ran.stdout).unwrap(), format!("{}|", odd.join("|")));

    let ran = host.run(&["sh", "-c", "echo out; echo err >&2; exit 3"], None).await.unwrap();
    assert_eq!((ran.code, ran.stdout.as_slice(), ran.stderr.as_str()), (Some(3), b"out\n".as_slice(), "err\n"));
    let big = vec![b'x'; 3 << 20];
    let ran = host.run(&["cat"], Some(&big)).await.unwrap();
    assert!(ran.stdout == big[..64 << 10] && !ran.whole, "the beginning is kept, and it is said that there was more");
    let slow = host.run_within(&["sh", "-c", "sleep 777 & sleep 778"], None, Duration::from_millis(300)).await;
    assert!(slow.unwrap_err().answer.contains("longer than 300ms"));
    assert_eq!(host.run(&["true"], Some(&big)).await.unwrap().code, Some(0));
    assert_eq!(host.run(&["cat"], None).await.unwrap().stdout, b"");
    assert_eq!(host.run(&["no-such-program"], None).await.unwrap().code, Some(127));
    assert_eq!(host.run(&["sh", "-c", "kill -9 $$"], None).await.unwrap().code, None);

    assert_eq!(host.sh("cat; echo \"$2\"", &["1", "it's $2"], Some(b"in\n")).await.unwrap(), "in\nit's $2");
    let failure = host.sh("echo no such thing >&2; exit 4", &[], None).await.unwrap_err();
    assert_eq!((failure.class, failure.place.as_deref()), (Class::Permanent, Some(host.name())));
    assert!(failure.answer.contains("code 4: no such thing"), "{failure}");
}

async fn handles_files(host: &Host, folder: &Path) {
    let at = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let mode = |name: &str| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(folder.join(name)).unwrap().permissions().mode() & 0o7777
    };
    let path = at("deep/er/file");
    assert_eq!(host.read_file(&path).await.unwrap(), None);
    host.write_file(&path, b"one\n\n\0", None).await.unwrap();
    assert_eq!(host.read_file(&path).await.unwrap().unwrap(), b"one\n\n\0");
    assert_eq!((mode("deep"), mode("deep/er"), mode("deep/er/file")), (0o700, 0o700, 0o600));
    host.write_file(&path, b"two", Some(0o640)).await.unwrap();
    host.write_file(&path, b"", None).await.unwrap();
    assert_eq!((host.read_file(&path).await.unwrap().unwrap(), mode("deep/er/file")), (Vec::new(), 0o640));

    std::os::unix::fs::symlink("deep/er/file", folder.join("link")).unwrap();
    host.write_file(&at("link"), b"through", None).await.unwrap();
    assert_eq!(host.read_file(&path).await.unwrap().unwrap(), b"through");
    assert!(std::fs::symlink_metadata(folder.join("link")).unwrap().is_symlink());
    assert!(host.write_file(&at("deep"), b"", None).await.unwrap_err().answer.contains("is a directory"));
    assert_eq!(std::fs::read_dir(folder.join("deep/er")).unwrap().count(), 1, "nothing half written is left");

    host.remove_file(&path).await.unwrap();
    host.remove_file(&path).await.unwrap();
    assert_eq!(host.read_file(&path).await.unwrap(), None);
    assert!(host.read_file(&at("deep")).await.is_err());
}

async fn keeps_a_shell(host: &Host) -> Shell {
    let shell = host.shell().await.unwrap();
    for n in 0..100 {
        assert_eq!(shell.run(&format!("echo 'it''s' {n}; echo noise >&2")).await.unwrap(), format!("its {n}"));
    }
    let failure = shell.run("cd /; echo lost; echo why >&2; exit 7").await.unwrap_err();
    assert!(failure.answer.contains("code 7: why"), "{failure}");
    assert!(shell.run("if then (").await.is_err());
    assert!(shell.run("kill -9 $$; x=1").await.is_err(), "the shell itself was killed");
    let shell = host.shell().await.unwrap();
    assert_eq!(shell.run("cat; printf 'a\\n\\n'").await.unwrap(), "a\n");
    assert_eq!(shell.run("echo \"$x\"; printf %s end").await.unwrap(), "\nend");
    assert_eq!(shell.run("seq 1 100000 | tail -n 1; seq 1 50000").await.unwrap().lines().count(), 50001);
    shell
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_behind_ssh_runs_reads_and_writes() {
    let yard = Yard::new().await;
    let host = yard.connect().await;
    assert!(!host.is_local() && host.is_alive().await && host.name() == "old");
    runs_programs(&host).await;
    handles_files(&host, yard.work.path()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_local_host_does_the_same() {
    let folder = WorkFolder::make().unwrap();
    let host = local().await;
    assert!(host.is_local() && host.is_alive().await);
    assert_eq!(host.forward("127.0.0.1:3306").await.unwrap(), "127.0.0.1:3306");
    runs_programs(&host).await;
    handles_files(&host, folder.path()).await;
    keeps_a_shell(&host).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_programs_at_a_time_wait_their_turn() {
    let yard = Yard::new().await;
    let host = yard.connect().await;
    let calls: Vec<_> = (0..30)
        .map(|n: usize| {
            let host = host.clone();
            tokio::spawn(async move { host.sh("sleep 0.05; echo $1", &[&n.to_string()], None).await })
        })
        .collect();
    for (n, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await.unwrap().unwrap(), n.to_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forward_leads_to_the_other_side() {
    let yard = Yard::new().await;
    let host = yard.connect().await;
    let echo = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = echo.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = echo.accept().await {
            let (mut read, mut write) = stream.split();
            let _ = tokio::io::copy(&mut read, &mut write).await;
        }
    });
    let (one, two) = (host.forward(&address).await.unwrap(), host.forward(&address).await.unwrap());
    assert!(one != address && one != two);
    for local in [one, two] {
        let mut stream = tokio::net::TcpStream::connect(local).await.unwrap();
        stream.write_all(b"hello").await.unwrap();
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"hello");
    }
    assert!(host.forward("nonsense").await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_connection_says_what_to_do() {
    let yard = Yard::new().await;
    let (known, key) = (yard.path("ssh/known_hosts"), yard.path("ssh/client_key"));
    let help = async |yard: &Yard, config: &Path| {
        let failure = yard.connect_with(config).await.err().expect("refused");
        assert_eq!((failure.class, failure.place.as_deref()), (Class::Permanent, Some("old")), "{failure}");
        assert_eq!(failure.now.as_deref(), Some("nothing was touched on old"));
        println!("{failure}\nhelp: {}\n", failure.help.as_ref().unwrap());
        failure.help.unwrap()
    };
    let config = yard.changed_config(&known, "/dev/null");
    let add = format!("add the key with: ssh-keyscan -p {} 127.0.0.1 >> /dev/null", yard.sshd.port());
    assert!(help(&yard, &config).await.contains(&add));

    let other = Sshd::start(&yard.folder.path().join("other"), "old").await.unwrap();
    let foreign = std::fs::read_to_string(yard.folder.path().join("other/old/host_key.pub")).unwrap();
    std::fs::write(yard.path("changed"), format!("[127.0.0.1]:{} {foreign}", yard.sshd.port())).unwrap();
    let config = yard.changed_config(&known, &yard.path("changed"));
    assert!(help(&yard, &config).await.contains("key has changed"));

    let config = yard.changed_config(&key, &yard.path("other/client_key"));
    assert!(help(&yard, &config).await.contains("ssh-add"));
    let config = yard.changed_config("HostName 127.0.0.1", "HostName no-such-host.invalid");
    assert!(help(&yard, &config).await.contains("inventory"));
    drop(other);

    yard.sshd.stop();
    let config = yard.sshd.ssh_config().to_owned();
    let away = yard.connect_with(&config).await.err().expect("away");
    assert_eq!((away.class, away.now.as_deref()), (Class::Transient, Some("nothing was touched on old")), "{away}");
    assert!(away.help.unwrap().contains("sshd listens there"));
    assert_eq!(yard.masters(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_master_is_left_behind() {
    let yard = Yard::new().await;
    let first = yard.connect().await;
    let second = yard.connect().await;
    assert!(first.is_alive().await, "a second connection leaves the first alone");
    assert_eq!(yard.masters(), 2);
    drop(first);
    until("the dropped host's master is gone", async || yard.masters() == 1).await;
    let shell = second.shell().await.unwrap();
    Arc::try_unwrap(second).ok().unwrap().close().await;
    until("the closed host's master is gone", async || yard.masters() == 0).await;
    assert_eq!(shell.run("true").await.unwrap_err().class, Class::Transient);

    // A runner that lives, and then is killed: its lock goes with it.
    let orphan = yard.control_dir().join("somebody").join(".ssh-connectionX");
    std::fs::create_dir_all(&orphan).unwrap();
    let lock = std::fs::File::create(orphan.with_file_name("owner")).unwrap();
    lock.lock().unwrap();
    let mut master = std::process::Command::new("ssh");
    master.arg("-F").arg(yard.sshd.ssh_config()).arg("-S").arg(orphan.join("master"));
    let opened = master.args(["-M", "-f", "-N", "-o", "ControlPersist=yes", "old"]).stderr(std::process::Stdio::null());
    assert!(opened.status().unwrap().success());
    drop(yard.connect().await);
    until("the master of a runner that lives is left alone", async || yard.masters() == 1).await;
    assert!(orphan.exists());
    drop(lock);
    let host = yard.connect().await;
    assert!(!orphan.exists());
    until("only the new master is there", async || yard.masters() == 1).await;
    assert!(host.is_alive().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_transient() {
    let yard = Yard::new().await;
    let host = yard.connect().await;
    let slow = tokio::spawn({
        let host = host.clone();
        async move { host.run(&["sleep", "30"], None).await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    yard.sshd.stop();
    let failure = slow.await.unwrap().unwrap_err();
    assert_eq!(failure.class, Class::Transient, "{failure}");
    assert!(!host.is_alive().await);
    assert_eq!(host.run(&["true"], None).await.unwrap_err().class, Class::Transient);
    assert_eq!(host.forward("127.0.0.1:1").await.unwrap_err().class, Class::Transient);
    assert_eq!(host.shell().await.err().unwrap().class, Class::Transient);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_shell_is_quick_and_never_answers_with_old_output() {
    let yard = Yard::new().await;
    let host = yard.connect().await;
    let shell = keeps_a_shell(&host).await;

    let mut warm = Vec::new();
    for _ in 0..50 {
        let start = Instant::now();
        shell.run("echo x").await.unwrap();
        warm.push(start.elapsed());
    }
    warm.sort();
    let mut cold = Vec::new();
    for _ in 0..20 {
        let start = Instant::now();
        host.run(&["echo", "x"], None).await.unwrap();
        cold.push(start.elapsed());
    }
    cold.sort();
    println!("median of a command in a kept shell {:?} (worst {:?}), of a run {:?}", warm[25], warm[49], cold[10]);

    let cut = tokio::time::timeout(Duration::from_millis(100), shell.run("sleep 0.3; echo old")).await;
    assert!(cut.is_err());
    tokio::time::sleep(Duration::from_millis(400)).await;
    let failure = shell.run("echo new").await.unwrap_err();
    assert_eq!(failure.class, Class::Transient);
    assert!(failure.answer.contains("cut off") && !shell.is_open(), "{failure}");

    let shell = host.shell().await.unwrap();
    let start = Instant::now();
    assert_eq!(shell.run("sleep 20").await.unwrap_err().class, Class::Transient);
    assert!(start.elapsed() < Duration::from_secs(11));
    assert!(shell.run("echo new").await.is_err());
}

//! Jobs: found again, never started twice, ended whole.

use super::yard::{Yard, local, processes, until};
use cutover::effects::{Host, Job, JobState};
use cutover::rehearsal::sshd::Sshd;
use cutover::rehearsal::work_folder::WorkFolder;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

fn running() -> JobState {
    JobState { code: None, done: None, running: true }
}

fn ended(code: i32) -> JobState {
    JobState { code: Some(code), done: None, running: false }
}

fn cut_off() -> JobState {
    JobState { code: None, done: None, running: false }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_outlives_the_connection_and_is_never_started_twice() {
    let mut yard = Yard::new().await;
    let dir = yard.job("jobs/dump");
    let script = "echo started >> starts; echo out; echo problem >&2; printf 12345 > file\n\
                  while [ ! -e go ]; do sleep 0.05; done; exit 5\n";
    let progress = "wc -c < file";
    let host = yard.connect().await;
    assert!(Job::find(host.clone(), &dir).await.unwrap().is_none());
    // Two starts at once.
    let (one, two) = tokio::join!(
        Job::start(host.clone(), &dir, script, progress),
        Job::start(host.clone(), &dir, script, progress)
    );
    let (one, _) = (one.unwrap(), two.unwrap());
    until("the job counts its bytes", async || one.state().await.unwrap().done == Some(5)).await;
    assert!(one.state().await.unwrap().running);
    assert_eq!(one.complaint().await.unwrap(), "problem");
    let other = Job::start(host.clone(), &dir, "echo another", "").await.err().unwrap();
    assert!(other.answer.contains("another script"), "{other}");
    drop((one, host));

    // The network goes away altogether and comes back.
    yard.sshd.stop();
    std::fs::remove_file(yard.sshd.ssh_config()).unwrap();
    let again = Sshd::start(&yard.folder.path().join("ssh"), "old").await.unwrap();
    let old = std::mem::replace(&mut yard.sshd, again);
    let host = yard.connect().await;
    let found = Job::find(host.clone(), &dir).await.unwrap().unwrap();
    assert_eq!(found.state().await.unwrap(), JobState { done: Some(5), ..running() });
    let adopted = Job::start(host.clone(), &dir, script, progress).await.unwrap();
    std::fs::write(format!("{dir}/go"), "").unwrap();
    until("the job ends", async || !adopted.state().await.unwrap().running).await;
    let adopted = Job::start(host.clone(), &dir, script, progress).await.unwrap();
    assert_eq!(adopted.state().await.unwrap(), JobState { done: Some(5), ..ended(5) });
    assert_eq!(adopted.output().await.unwrap(), "out");
    assert_eq!(std::fs::read_to_string(format!("{dir}/starts")).unwrap(), "started\n");
    drop(old);

    adopted.remove().await.unwrap();
    adopted.remove().await.unwrap();
    assert_eq!(std::fs::read_dir(yard.work.path().join("jobs")).unwrap().count(), 0);
    assert!(adopted.state().await.is_err());
}

/// `nap` is a length of sleep that nobody else uses.
async fn kills_jobs(host: Arc<Host>, folder: &Path, nap: &str) {
    let dir = folder.join("job").to_str().unwrap().to_owned();
    let count = || processes().filter(|words| words.trim_end() == format!("sleep {nap}")).count();
    let before = count();
    // A stubborn one, a child of a child, and one in the background.
    let script = &format!("trap '' TERM; sleep {nap} & sh -c 'sleep {nap}; true'; sleep {nap}");
    let job = Job::start(host.clone(), &dir, script, "").await.unwrap();
    until("its children run", async || count() == before + 2).await;
    assert_eq!(job.state().await.unwrap(), running());
    let start = Instant::now();
    job.kill().await.unwrap();
    println!("killed a stubborn job in {:?}", start.elapsed());
    assert_eq!(count(), before);
    assert_eq!(job.state().await.unwrap(), cut_off());
    job.kill().await.unwrap();

    // Cut off: it is not started again by itself, only after it was removed.
    let stale = Job::start(host.clone(), &dir, script, "").await.unwrap();
    assert_eq!(stale.state().await.unwrap(), cut_off());
    stale.remove().await.unwrap();

    // The leader killed, the work goes on: that is still running, and can be ended.
    let job = Job::start(host.clone(), &dir, &format!("sleep {nap}"), "").await.unwrap();
    let leader = std::fs::read_to_string(format!("{dir}/pid")).unwrap();
    host.sh("kill -9 $1", &[leader.split(' ').next().unwrap()], None).await.unwrap();
    assert_eq!(job.state().await.unwrap(), running());
    job.remove().await.unwrap();
    assert_eq!(count(), before);

    // An earlier boot, and a number that went to another process.
    let job = Job::start(host.clone(), &dir, "exec sleep 1", "").await.unwrap();
    std::fs::write(format!("{dir}/pid"), format!("{} 1 some-boot\n", std::process::id())).unwrap();
    assert_eq!(job.state().await.unwrap(), cut_off());
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    std::fs::write(format!("{dir}/pid"), format!("{} 1 {boot}", std::process::id())).unwrap();
    assert_eq!(job.state().await.unwrap(), cut_off());
    job.remove().await.unwrap();

    // Only folders of jobs are removed.
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(format!("{dir}/precious"), "").unwrap();
    assert!(job.remove().await.unwrap_err().answer.contains("not the folder of a job"));
    assert!(Job::start(host.clone(), &dir, "true", "").await.is_err());
    assert!(Path::new(&dir).join("precious").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_can_be_killed_and_a_cut_off_one_is_told_apart() {
    let yard = Yard::new().await;
    kills_jobs(yard.connect().await, yard.work.path(), "4321.1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn local_jobs_do_the_same() {
    let work = WorkFolder::make().unwrap();
    kills_jobs(local().await, work.path(), "4321.2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_sandbox_leaves_nothing_running() {
    let yard = Yard::new().await;
    let host = yard.connect().await;
    let dir = yard.job("job");
    let _job = Job::start(host.clone(), &dir, "exec sleep 8765.4", "").await.unwrap();
    let count = || processes().filter(|words| words.trim_end() == "sleep 8765.4").count();
    until("it runs", async || count() == 1).await;
    drop(yard.sshd);
    until("it is gone", async || count() == 0).await;
}

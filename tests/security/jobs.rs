//! Folders of jobs: what is in them counts only where nobody else could have put it there.

use crate::yard::{Yard, give, is_root, local};
use cutover::effects::Job;
use cutover::error::Class;
use std::process::{Child, Command};

/// A process that a forged card names. It must live on.
struct Bystander(Child);

impl Bystander {
    fn start() -> Self {
        Self(Command::new("setsid").args(["sleep", "600"]).spawn().unwrap())
    }
    /// A card that names it by everything that can be read about it.
    fn card(&self) -> String {
        std::thread::sleep(std::time::Duration::from_millis(200));
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap();
        let begun = stat.rsplit_once(") ").unwrap().1.split(' ').nth(19).unwrap().to_owned();
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
        format!("{} {begun} {}\n", self.0.id(), boot.trim())
    }
    fn lives(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn forge(yard: &Yard, folder: &str, card: &str) -> String {
    let path = yard.folder(folder, 0o700);
    yard.write(&format!("{folder}/script"), "true");
    yard.write(&format!("{folder}/progress"), &format!("touch {}; echo 1", yard.path("ran")));
    yard.write(&format!("{folder}/pid"), card);
    path
}

#[tokio::test]
async fn a_card_that_names_another_process_does_not_end_it() {
    let yard = Yard::make();
    let host = local().await;
    let mut bystander = Bystander::start();
    let folder = forge(&yard, "job", &bystander.card());
    let job = Job::find(host.clone(), &folder).await.unwrap().unwrap();
    assert!(!job.state().await.unwrap().running, "it stands elsewhere: it is no leader of this job");
    job.kill().await.unwrap();
    job.remove().await.unwrap();
    assert!(bystander.lives());
}

#[tokio::test]
async fn a_job_in_a_folder_that_others_can_swap_is_not_touched() {
    let yard = Yard::make();
    let host = local().await;
    let mut bystander = Bystander::start();
    let card = bystander.card();
    yard.folder("open", 0o777);
    forge(&yard, "open/job", &card);
    yard.folder("own", 0o700);
    yard.link(&yard.path("open/job"), "own/link");
    for place in ["open/job", "own/link"] {
        let folder = yard.path(place);
        let job = Job::find(host.clone(), &folder).await.unwrap().unwrap();
        let refused = [
            job.state().await.map(drop),
            job.kill().await,
            job.complaint().await.map(drop),
            job.output().await.map(drop),
            Job::start(host.clone(), &folder, "true", "").await.map(drop),
        ];
        for one in refused {
            assert_eq!(one.unwrap_err().class, Class::Refused, "{place}");
        }
        assert!(job.remove().await.is_err(), "{place}");
    }
    assert!(bystander.lives() && !std::path::Path::new(&yard.path("ran")).exists());
    assert_eq!(yard.names("open/job"), ["pid", "progress", "script"]);
    assert_eq!(Job::start(host, &yard.path("open/new"), "true", "").await.err().unwrap().class, Class::Refused);
}

#[tokio::test]
async fn a_file_of_another_account_in_a_jobs_folder_is_not_run() {
    if !is_root() {
        return;
    }
    let yard = Yard::make();
    let host = local().await;
    for name in ["script", "progress", "pid"] {
        let folder = forge(&yard, &format!("job-{name}"), "1 1 x\n");
        give(&format!("{folder}/{name}"));
        let job = Job::find(host.clone(), &folder).await.unwrap().unwrap();
        let failure = job.state().await.unwrap_err();
        assert!(failure.class == Class::Refused && failure.answer.contains(name), "{failure}");
        assert!(!std::path::Path::new(&yard.path("ran")).exists());
    }
}

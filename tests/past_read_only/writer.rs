//! A program beside the application: it writes to one server for as long as it can, and knows what it was promised.

use cutover::effects::{Cover, Login, Secrets, Session};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio::time::sleep;

const LOOK: Duration = Duration::from_secs(20);
/// Pause between writes, and before it logs in again: six servers share the machine's disk, and a replica that cannot keep
/// up is rightly refused a switch.
const PAUSE: Duration = Duration::from_millis(40);
/// Longest time in which one that may write does.
const SOON: Duration = Duration::from_mins(1);

/// Ends when it is dropped.
pub struct Writer {
    acknowledged: Arc<Mutex<Vec<u64>>>,
    work: JoinHandle<()>,
}

impl Writer {
    /// Writes rows `first`, `first` + 2, and so on.
    pub fn start(address: String, first: u64) -> Self {
        let acknowledged = Arc::new(Mutex::new(Vec::new()));
        let work = tokio::spawn(write(address, first, acknowledged.clone()));
        Self { acknowledged, work }
    }

    /// Every row whose commit was acknowledged.
    pub fn acknowledged(&self) -> Vec<u64> {
        self.acknowledged.lock().unwrap().clone()
    }

    /// Waits until it has written more.
    pub async fn until_more(&self) {
        let (before, begin) = (self.acknowledged().len(), Instant::now());
        while self.acknowledged().len() <= before {
            assert!(begin.elapsed() < SOON, "it cannot write");
            sleep(PAUSE).await;
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.work.abort();
    }
}

async fn write(address: String, mut id: u64, acknowledged: Arc<Mutex<Vec<u64>>>) {
    loop {
        let login = Login {
            server: "old".into(),
            address: address.clone(),
            user: "batch".into(),
            password: None,
            cover: Cover::Loopback,
        };
        if let Ok(session) = Session::open(login, Arc::new(Secrets::default())).await {
            // a row whose fate is unknown is never written again
            while session
                .exec(cutover::domain::Sql::verbatim(format!("INSERT INTO shop.batch VALUES ({id})")), LOOK)
                .await
                .is_ok()
            {
                acknowledged.lock().unwrap().push(id);
                id += 2;
                sleep(PAUSE).await;
            }
            id += 2;
            session.hang_up();
        }
        sleep(PAUSE).await;
    }
}

/// Rows that a server holds.
pub async fn rows(session: &Session) -> BTreeSet<u64> {
    let rows = session.query("SELECT id FROM shop.batch", LOOK).await.unwrap();
    rows.iter().map(|row| row.at(0).unwrap().parse().unwrap()).collect()
}

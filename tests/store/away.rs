//! A server that goes away in the middle of everything.

use crate::cluster::Cluster;
use cutover::store::{Address, Event, Journal, RunHead, RunRecord, Store};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

fn begun(cluster: &Cluster, folder: &std::path::Path) -> Store {
    let store = Store::shared(&Address::parse(&cluster.address()).unwrap(), folder).unwrap();
    let head = RunHead { id: "r".into(), playbook: "p".into(), hash: "h".into(), created: 1 };
    store.create_run(&RunRecord { head, plan: "{}".into() }).unwrap();
    store
}

/// Writes until it is told to stop, and gives back what was acknowledged.
fn write_on(store: &Store, writer: u32, over: &AtomicBool) -> Vec<(u32, String)> {
    let mut acknowledged = Vec::new();
    for at in 0.. {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let event = Event::StepNoted { step: format!("w{writer}"), key: format!("{at}"), value: at.into() };
        let entry = store.append("r", at, &[event]).unwrap().remove(0);
        acknowledged.push((entry.seq, entry.hash));
    }
    acknowledged
}

#[test]
fn a_primary_that_dies_is_replaced_and_nothing_is_lost_or_there_twice() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::start();
    let store = begun(&cluster, folder.path());
    let over = AtomicBool::new(false);
    let [one, two] = &cluster.nodes;
    let acknowledged: Vec<_> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..3)
            .map(|writer| {
                scope.spawn({
                    let (store, over) = (&store, &over);
                    move || write_on(store, writer, over)
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(700));
        one.kill();
        std::thread::sleep(Duration::from_millis(300));
        two.promote();
        std::thread::sleep(Duration::from_secs(1));
        one.start_server(); // it is writable too, and waits for a standby that follows it no more
        std::thread::sleep(Duration::from_secs(1));
        over.store(true, Ordering::Relaxed);
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    });
    let entries = store.entries("r").unwrap();
    println!("{} acknowledged, {} entries", acknowledged.len(), entries.len());
    assert_eq!(entries.len(), acknowledged.len(), "each is there, and once");
    let mut seen = std::collections::BTreeSet::new();
    for entry in &entries {
        let Event::StepNoted { step, key, .. } = &entry.event else { unreachable!() };
        assert!(seen.insert((step.clone(), key.clone())), "{step} {key} is there twice");
    }
    for (seq, hash) in &acknowledged {
        assert_eq!(entries[*seq as usize - 1].hash, *hash);
    }
    let old = format!("postgres://cutover@127.0.0.1:{}/store", one.port);
    let refused = Store::shared(&Address::parse(&old).unwrap(), folder.path()).err().unwrap();
    assert!(refused.to_string().contains("an outdated primary"), "{refused}");
}

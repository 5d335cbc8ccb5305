//! A step that does what it has not stated: nothing of it reaches the server or the host, and the run stops.

mod liar;
mod world;

use cutover::error::{Class, Failure};
use cutover::store::{Event, Outcome};
use liar::{OTHER, STATED, What};
use world::World;

/// Whether the other one's file, folder, database, login, … is as it was, and the stated one's is not.
fn look(world: &World, what: What) {
    let text = |name: &str| std::fs::read_to_string(world.path(name)).ok();
    let is_there = |name: &str| world.path(name).exists();
    match what {
        What::Statement => assert_eq!(world.databases(), [STATED]),
        What::Program | What::Kept => assert!(is_there(STATED) && !is_there(OTHER)),
        What::Input | What::Content => assert_eq!(text(STATED).unwrap(), "stated\n"),
        What::Written => assert!(text(STATED).is_some_and(|text| text == "planned\n") && !is_there(OTHER)),
        What::Read => assert_eq!(world.read(), [STATED]),
        What::Removed => assert!(!is_there(STATED) && is_there(OTHER)),
        What::Job => assert!(is_there("stated.done") && !is_there("other.done") && !is_there(OTHER)),
        What::Ended => assert!(is_there("other/script")),
        What::Line => assert_eq!(world.lines(), [STATED]),
        What::Login => assert_eq!(world.logins(), [STATED]),
        What::Connection => assert_eq!(world.connections(), [1, 0]),
    }
}

async fn refused(world: &mut World, what: What) {
    world.prepare(what);
    let (outcome, entries) = world.run(what).await;
    assert_eq!((outcome, outcome.exit_code()), (Outcome::Stopped, 4), "{what:?}: {entries:?}");
    let failures: Vec<&Failure> = entries
        .iter()
        .filter_map(|event| match event {
            Event::StepStopped { failure, .. } => failure.as_ref(),
            _ => None,
        })
        .collect();
    let [failure] = failures[..] else { panic!("{what:?}: {entries:?}") };
    assert_eq!(failure.class, Class::Unplanned, "{what:?}: {failure:?}");
    assert!(failure.attempted.contains(&world.liar(what).names()), "{what:?}: {failure:?}");
    assert!(
        failure.place.as_deref() == Some(if matches!(what, What::Statement | What::Login) { "one" } else { "local" })
    );
    assert!(failure.answer.contains("is not in the plan"), "{what:?}: {failure:?}");
    look(world, what);
    world.tidy();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_stated_is_not_done_and_the_run_stops() {
    let mut world = World::make().await;
    for what in What::ALL {
        refused(&mut world, what).await;
    }
}

//! What happens before the first step, and beside the steps: connections, the check of the product, the lock that keeps
//! other runs away, and the questions whose answers may refuse the run before anything is touched.

use super::Plan;
use crate::dialect::{Dialect, lock};
use crate::domain::{Script, Words};
use crate::effects::{AFTER_END, INIT, end_statement};
use crate::kinds::{Action, On};
use crate::playbook::inventory::{Server, Verify};
use crate::playbook::world::World;
use std::collections::BTreeSet;

/// Servers on which the plan's steps and their undo work: these are taken for the run.
#[must_use]
pub fn taken(plan: &Plan) -> BTreeSet<&str> {
    let steps = plan.steps.iter().filter(|step| step.skip.is_none());
    let actions = steps.flat_map(|step| {
        let hooks = step.rollback.iter().flat_map(|hook| &hook.actions);
        step.actions.iter().chain(&step.undo).chain(hooks)
    });
    servers(actions)
}

/// Servers that the plan asks anything: those, and those whose answers may refuse the run.
pub(super) fn asked(plan: &Plan) -> BTreeSet<&str> {
    let asked = servers(plan.opening.iter());
    taken(plan).union(&asked).copied().collect()
}

fn servers<'a>(actions: impl Iterator<Item = &'a Action>) -> BTreeSet<&'a str> {
    let server =
        |action: &'a Action| if let Action::Sql { server, .. } = action { Some(server.as_str()) } else { None };
    actions.filter_map(server).collect()
}

/// Everything, in order. `questions` are those of each step, with its name.
#[must_use]
pub fn actions(plan: &Plan, questions: &[(String, Vec<Action>)]) -> Vec<Action> {
    let taken = taken(plan);
    let asked = servers(questions.iter().flat_map(|(_, asked)| asked));
    let mut actions = Vec::new();
    for server in taken.union(&asked) {
        actions.extend(connection(&plan.world, server));
        if taken.contains(server) {
            actions.extend(taking(server));
            actions.extend(starting(&plan.world, server));
        }
    }
    for (step, asked) in questions {
        actions.push(Action::note(format!("for {step}:")));
        actions.extend(asked.iter().cloned());
    }
    actions
}

fn connection(world: &World, server: &str) -> Vec<Action> {
    let Some(access) = world.inventory.server(server) else { return Vec::new() };
    let here = On(server);
    let product = access.product();
    let mut actions: Vec<Action> = covered(server, access).into_iter().map(Action::note).collect();
    actions.extend([
        Action::note(format!("every connection to {server} begins with:")),
        here.sql(INIT),
        Action::note(format!("a second connection ends a statement that exceeds its time limit on {server}:")),
        here.sql(end_statement(Words::late("connection"))),
        here.sql(AFTER_END),
        Action::note(format!("refuse unless {server} is {}:", access.wanted())),
        here.sql(Dialect::from(product).version()),
        here.sql(Dialect::from(product).identity()),
    ]);
    actions
}

/// How every connection to a server is protected, if the inventory states anything about it.
fn covered(name: &str, server: &Server) -> Vec<String> {
    let Some(tls) = &server.tls else { return Vec::new() };
    let begin = format!("every connection to {name} uses TLS and accepts only a certificate signed by {}", tls.ca);
    match tls.verify {
        Verify::Name => vec![format!("{begin} for {}", tls.name_at(&server.address))],
        Verify::Chain => vec![
            begin,
            format!(
                "the name in the certificate of {name} is not checked (`verify: chain`): any server with a certificate \
                 of that authority can impersonate it"
            ),
        ],
    }
}

/// What any undo may do.
fn starting(world: &World, server: &str) -> Vec<Action> {
    let Some(access) = world.inventory.server(server).filter(|access| !access.start.is_empty()) else {
        return Vec::new();
    };
    let when =
        format!("once, if an undo finds {server} down (it refuses connections, and nothing listens on its port):");
    vec![Action::note(when), Action::command(&access.host, Script::words(&access.start))]
}

fn taking(server: &str) -> Vec<Action> {
    let here = On(server);
    let [run, epoch, connection] = ["run", "epoch", "connection"].map(Words::late);
    vec![
        Action::note(format!("take {server} for this run, and refuse if another runner or another run has it:")),
        here.sql(lock::HOLDERS),
        here.sql(lock::who(&connection, &run)),
        here.sql(lock::take(Words::late("a name that no stranger holds: cutover, cutover 2 or cutover 3"))),
        here.sql(lock::mark(&run, &epoch)),
        here.sql(lock::RUNNERS),
        Action::note(format!("every other connection to {server} is marked as belonging to this runner:")),
        here.sql(lock::register(&connection, &run, &epoch)),
        Action::note(format!("every two seconds, while the run holds {server}:")),
        here.sql(lock::is_ours(&run, &epoch)),
        Action::note(
            "when this runner takes over from one that died or no longer answers, the old connections are ended:",
        ),
        here.sql(lock::holds(&run, &epoch)),
        here.sql(lock::is_runner(&connection)),
        here.sql(lock::end(&connection)),
        here.sql(lock::is_there(&connection)),
        Action::note("when two runs take the server at the same moment, one of them releases it:"),
        here.sql(lock::give_back(Words::late("the name"))),
    ]
}

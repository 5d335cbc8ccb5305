//! `preflight`: checks both servers, their hosts and accounts, and reports whether a migration can work.
//!
//! Questions are gathered from all checks as data, asked once, and judged by pure functions: what a plan lists is what is
//! asked, and every trap can be tested without a server that has it.

mod ask;
mod check;
mod checks;
mod examine;
mod pair;
mod seen;
mod trial;
mod verdict;

use crate::error::{Failure, Result};
use crate::kinds::role::{Examines, Role};
use crate::kinds::support::place::{dialect, server};
use crate::kinds::support::privileges::swap;
use crate::kinds::{
    Action, Complaint, Ctx, Finding, Need, Needs, Output, OutputType, Outputs, Probe, Reversibility, Step,
};
use crate::kinds::{CheckResult, Mark};
use crate::playbook::through::Through;
use crate::playbook::world::World;
use async_trait::async_trait;
use check::{Allowed, CHECKS, checks_of};
use examine::Examined;
pub use pair::WayBack;
use pair::{Pair, Place};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Outputs of this kind.
pub const OUTPUTS: &[Output] = &[
    Output { name: "checks", kind: OutputType::List, about: "All checks with name, result, evidence and remedy." },
    Output { name: "warnings", kind: OutputType::List, about: "Names of the checks with a warning." },
    Output {
        name: "way_back",
        kind: OutputType::Boolean,
        about: "Whether the old server becomes a replica of the new one after the switch: requested, and not known to \
                be impossible.",
    },
    Output { name: "blocked", kind: OutputType::List, about: "Names of the checks that would block but are allowed." },
];

/// Checks both servers before anything is copied, and refuses if the migration cannot work: versions, privileges and
/// logins, binary log, GTIDs, replication filters, features that the target lacks, disk space, clocks, and more.
/// Changes nothing, and lists all findings, each with a remedy.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "x-undo" = "There is nothing to undo: this step only reads.",
    "examples" = [{ "source": "source", "target": "target", "application": "shop", "allow": ["version_gap"], "try_definitions": true }]
))]
pub struct Preflight {
    /// Source: the server that the application leaves.
    #[schemars(extend("format" = "server"))]
    source: String,
    /// Target: the server that replaces it.
    #[schemars(extend("format" = "server"))]
    target: String,
    /// Application whose logins are tried.
    #[serde(default)]
    #[schemars(extend("format" = "application"))]
    application: Option<String>,
    /// Databases to move; empty means every user database.
    #[serde(default)]
    databases: Vec<String>,
    /// Tunnel that replication will go through.
    #[serde(default)]
    through: Option<Through>,
    /// Checks that do not stop the run when they block: they are reported as warnings.
    #[serde(default)]
    allow: Vec<Allowed>,
    /// Whether the old server must become a replica of the new one after the switch, so that a switch back loses no
    /// writes.
    #[serde(default)]
    way_back: WayBack,
    /// Accept a target that is older than its source, which the vendors do not support.
    #[serde(default)]
    accept_older_target: bool,
    /// The target already replicates from the source, as after a switch: nothing is copied, and the checks are whether
    /// the target can take over.
    #[serde(default)]
    follows: bool,
    /// Whether the new server parses the definition of every view, routine, trigger and event in advance: it prepares
    /// the statements but executes none. Default: if it is of another series or family than the old one.
    #[serde(default)]
    try_definitions: Option<bool>,
    /// Differences that do not block, because something outside this playbook fixes them before replication starts:
    /// names of variables of the target, and `accounts` for missing accounts.
    #[serde(default)]
    will_set: Vec<String>,
}

impl Preflight {
    fn pair<'a>(&'a self, world: &'a World) -> Result<Pair<'a>> {
        let place = |name: &'a str| -> Result<Place<'a>> {
            let server = server(world, name)?;
            let host = world.inventory.host(&server.host);
            let work_dir = host.map(|host| host.work_dir.place()).unwrap_or_default();
            let dump_dir = host.map(|host| host.dumps().place()).unwrap_or_default();
            Ok(Place { name, server, dialect: dialect(world, name), work_dir, dump_dir })
        };
        let application = self.application.as_deref();
        let application = application.and_then(|name| Some((name, world.inventory.applications.get(name)?)));
        Ok(Pair {
            source: place(&self.source)?,
            target: place(&self.target)?,
            databases: &self.databases,
            application,
            named: world.inventory.named_past_read_only(&self.source),
            through: self.through.as_ref(),
            way_back: self.way_back,
            accept_older_target: self.accept_older_target,
            follows: self.follows,
            try_definitions: self.try_definitions,
        })
    }

    async fn examine(&self, cx: &Ctx<'_>) -> Result<Examined> {
        let mut foreseen = cx.foreseen.clone();
        foreseen.extend(self.will_set.iter().map(|name| format!("{}.{}", self.target, name.to_lowercase())));
        let mut needs = self.needs(cx.world);
        needs.extend(cx.needs.iter().filter(|need| !needs.contains(need)).cloned().collect::<Vec<_>>());
        let examined = Box::pin(examine::examine(cx, &self.pair(cx.world)?, (foreseen, needs))).await?;
        let results = examined.results.into_iter().map(|result| self.allowed(result)).collect();
        Ok(Examined { results, ..examined })
    }

    fn allowed(&self, mut result: CheckResult) -> CheckResult {
        if result.result == Mark::Block && self.allow.iter().any(|allowed| allowed.0 == result.name) {
            result.result = Mark::Warn;
            result.evidence.push_str(ALLOWED);
        }
        result
    }

    /// One failure with all findings, so that all of them can be fixed before the next attempt.
    fn refusal(results: &[CheckResult]) -> Option<Failure> {
        let blocking: Vec<&CheckResult> = results.iter().filter(|result| result.result == Mark::Block).collect();
        if blocking.is_empty() {
            return None;
        }
        let mut answer = format!("{} of {} checks block", blocking.len(), results.len());
        for CheckResult { name, evidence, remedy, .. } in &blocking {
            let _ = write!(answer, "\n{name}: {evidence}"); // a String takes everything
            if let Some(remedy) = remedy {
                let _ = write!(answer, "\n  remedy: {remedy}");
            }
        }
        let names: Vec<&str> = blocking.iter().map(|result| result.name.as_str()).collect();
        let can = |name: &&str| CHECKS.iter().any(|check| check.name == *name && check.can_be_allowed);
        let allowed: Vec<&str> = names.into_iter().filter(can).collect();
        let allow = match allowed.as_slice() {
            [] => String::new(),
            some => format!("; to accept a finding, allow its check: `allow: [{}]`", some.join(", ")),
        };
        let failure = Failure::refused("start the migration", answer).now("nothing was changed");
        Some(failure.help(format!("fix these and run again{allow}")))
    }

    fn outputs(results: &[CheckResult], way_back: bool) -> Outputs {
        let names = |which: &dyn Fn(&&CheckResult) -> bool| {
            results.iter().filter(which).map(|result| result.name.clone()).collect::<Vec<_>>()
        };
        let mut outputs = Outputs::new();
        outputs.insert("checks".into(), serde_json::to_value(results).unwrap_or_default());
        outputs.insert("warnings".into(), names(&|result| result.result == Mark::Warn).into());
        outputs.insert("way_back".into(), way_back.into());
        outputs.insert("blocked".into(), names(&|result| result.evidence.ends_with(ALLOWED)).into());
        outputs
    }
}

/// What is added to the evidence of a check that would block.
const ALLOWED: &str = " (allowed)";

#[async_trait]
impl Step for Preflight {
    fn reversibility(&self) -> Reversibility {
        Reversibility::NothingToUndo
    }

    fn roles(&self) -> Vec<Role> {
        let (source, target) = (self.source.clone(), self.target.clone());
        vec![Examines { source, target, accepts_no_way_back: self.way_back == WayBack::None }.into()]
    }

    fn preview(&self, world: &World) -> Result<Vec<Action>, Vec<Complaint>> {
        if self.source == self.target {
            let complaint = Complaint::new("target", "a server cannot replace itself");
            return Err(vec![complaint.help("name the other server")]);
        }
        let mut actions = self.questions(world);
        let Ok(pair) = self.pair(world) else { return Ok(actions) };
        let names: Vec<&str> = checks_of(&pair).map(|check| check.name).collect();
        actions.push(Action::note(format!("stop the run if one of these checks blocks: {}", names.join(", "))));
        Ok(actions)
    }

    fn questions(&self, world: &World) -> Vec<Action> {
        self.pair(world).map_or_else(|_| Vec::new(), |pair| examine::questions(&pair))
    }

    fn needs(&self, world: &World) -> Vec<Need> {
        let Ok(pair) = self.pair(world) else { return Vec::new() };
        let (from, to) = (&self.source, &self.target);
        let mut needs: Vec<Need> = [from, to].iter().flat_map(|name| swap::looking(world, name)).collect();
        let prepared = Needs::on(from, "list prepared transactions").everywhere(pair.source.dialect.lists_prepared());
        needs.extend(Vec::from(prepared));
        if !self.follows {
            needs.extend(swap::dumping(world, from));
            needs.extend(swap::loading(world, to));
        }
        needs.extend(swap::closing(world, from));
        needs.extend(swap::opening(world, to));
        needs
    }

    fn unproved(&self, _: &World) -> Vec<String> {
        vec![
            "that the target accepts every row: this shows when the data is loaded".to_owned(),
            "changes on either server after this check".to_owned(),
        ]
    }

    async fn inspect(&self, cx: &Ctx<'_>, _: &BTreeSet<String>) -> Vec<Failure> {
        match self.examine(cx).await {
            Ok(examined) => Self::refusal(&examined.results).into_iter().collect(),
            Err(failure) => vec![failure],
        }
    }

    async fn survey(&self, cx: &Ctx<'_>) -> Result<Vec<Finding>> {
        Ok(self.examine(cx).await?.results.into_iter().map(Finding::Check).collect())
    }

    async fn probe(&self, _: &Ctx<'_>) -> Result<Probe> {
        Ok(Probe::NotDone)
    }

    async fn execute(&self, cx: &Ctx<'_>) -> Result<Outputs> {
        let Examined { results, way_back } = self.examine(cx).await?;
        for warning in results.iter().filter(|result| result.result == Mark::Warn) {
            cx.progress.note(verdict::in_three_lines(warning));
        }
        if let Some(failure) = Self::refusal(&results) {
            return Err(failure);
        }
        let passed = results.iter().filter(|result| result.result == Mark::Pass).count();
        cx.progress.note(format!("{passed} of {} checks pass", results.len()));
        Ok(Self::outputs(&results, way_back))
    }

    async fn undo(&self, _: &Ctx<'_>) -> Result<()> {
        Ok(())
    }
}

//! Whether this program would do what a plan states: kinds are asked again, from the plan's own parameters.
//!
//! A plan that was kept (in a file, in a journal) and the kinds that run it must state the same, byte by byte; a plan
//! that was changed by hand, or comes from another version, is found here before anything is touched.

use super::{Plan, PlannedStep, opening};
use crate::error::{Failure, Result};
use crate::kinds::{self, Action, Condition, Need, Step};
use crate::playbook::world::World;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

impl Plan {
    /// The same plan as this program's kinds state it.
    ///
    /// # Errors
    /// `Refused` when a kind does not know the parameters.
    fn made_anew(&self) -> Result<Self> {
        let (mut plan, mut questions) = (self.clone(), Vec::new());
        for planned in &mut plan.steps {
            let step = decoded(&planned.uses, &planned.with, &planned.id)?;
            planned.actions = self.preview(&*step, &planned.id)?;
            planned.undo = step.preview_undo(&self.world);
            (planned.reversibility, planned.roles) = (step.reversibility(), step.roles());
            (planned.unproved, planned.settles) = (step.unproved(&self.world), step.settles(&self.world));
            for hook in &mut planned.rollback {
                let step = decoded(&hook.uses, &hook.with, &planned.id)?;
                (hook.actions, hook.roles) = (self.preview(&*step, &planned.id)?, step.roles());
            }
            planned.state_nothing_when_skipped();
            let asked = step.questions(&self.world);
            if planned.skip.is_none() && !asked.is_empty() {
                questions.push((planned.id.clone(), asked));
            }
        }
        plan.opening = opening::actions(&plan, &questions);
        plan.scripts = plan.named_scripts();
        Ok(plan)
    }

    /// What the accounts of the inventory must be allowed to do, for all steps that are not left out. A value that another
    /// step sets before nobody knows now: what is needed only for another one is needed then.
    #[must_use]
    pub fn needs(&self) -> Vec<Need> {
        let steps: Vec<&PlannedStep> = self.steps.iter().filter(|step| step.skip.is_none()).collect();
        let mut settling: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for step in &steps {
            for fact in &step.settles {
                settling.entry(fact).or_default().insert(&step.id);
            }
        }
        let set_by_another =
            |fact: &str, id: &str| settling.get(fact).is_some_and(|ids| ids.iter().any(|at| *at != id));
        let mut needs: Vec<Need> = Vec::new();
        for step in steps {
            let Ok(kind) = decoded(&step.uses, &step.with, &step.id) else { continue };
            for mut need in kind.needs(&self.world) {
                if let Some(Condition::Differs { variable, .. }) = &need.only_if
                    && set_by_another(&format!("{}.{variable}", need.server), &step.id)
                {
                    need.only_if = None;
                }
                if !needs.contains(&need) {
                    needs.push(need);
                }
            }
        }
        needs
    }

    /// Asks every kind for its own program.
    ///
    /// # Errors
    /// `Refused`, with the first difference, when it is another one than the plan states.
    pub fn is_own_program(&self) -> Result<()> {
        let own = self.made_anew()?;
        for (planned, own) in self.steps.iter().zip(&own.steps) {
            let id = &planned.id;
            same(&format!("step `{id}`"), &planned.actions, &own.actions)?;
            same(&format!("the undo of step `{id}`"), &planned.undo, &own.undo)?;
            for (hook, own) in planned.rollback.iter().zip(&own.rollback) {
                same(&format!("a rollback hook of step `{id}`"), &hook.actions, &own.actions)?;
            }
            if planned != own {
                return Err(differs(format!("step `{id}` states another undo, or other checks")));
            }
        }
        same("the setup", &self.opening, &own.opening)?;
        let other = self.scripts.iter().find(|(name, text)| own.scripts.get(*name) != Some(*text));
        match other.map(|(name, _)| name).or_else(|| own.scripts.keys().find(|name| !self.scripts.contains_key(*name)))
        {
            Some(name) => Err(differs(format!("its script `{name}` differs from this program's"))),
            None => Ok(()),
        }
    }

    fn preview(&self, step: &dyn Step, id: &str) -> Result<Vec<Action>> {
        let complained = |complaints: Vec<kinds::Complaint>| {
            let first = complaints.into_iter().next().map_or(String::new(), |complaint| complaint.message);
            differs(format!("step `{id}` cannot run like this: {first}"))
        };
        step.preview(&self.world).map_err(complained)
    }
}

/// Everything that the kind of a step states for `world`; nothing where its parameters do not fit that.
pub(super) fn stated(step: &PlannedStep, world: &World) -> Vec<Action> {
    let Ok(kind) = decoded(&step.uses, &step.with, &step.id) else { return Vec::new() };
    let mut all = kind.preview(world).unwrap_or_default();
    all.extend(kind.preview_undo(world));
    all.extend(kind.questions(world));
    all
}

fn decoded(uses: &str, with: &Value, id: &str) -> Result<Box<dyn Step>> {
    let kind = kinds::find(uses).ok_or_else(|| differs(format!("step `{id}` is of an unknown kind, `{uses}`")))?;
    (kind.decode)(with).map_err(|answer| differs(format!("step `{id}` cannot use its parameters: {answer}")))
}

fn same(what: &str, planned: &[Action], own: &[Action]) -> Result<()> {
    let number = planned.iter().zip(own).position(|(planned, own)| planned != own);
    let Some(number) = number.or((planned.len() != own.len()).then(|| planned.len().min(own.len()))) else {
        return Ok(());
    };
    let shown = |actions: &[Action]| actions.get(number).map_or("nothing".to_owned(), ToString::to_string);
    let (planned, own) = (shown(planned), shown(own));
    Err(differs(format!("action {} of {what} is `{planned}` in the plan, but `{own}` in this program", number + 1)))
}

fn differs(answer: String) -> Failure {
    Failure::refused("run the plan as it was reviewed", answer)
        .now("nothing was changed")
        .help("it was changed by hand, or another version of cutover made it. A run under way: use the version that started it. \
             A saved plan: make it again and review it")
}

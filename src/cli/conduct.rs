//! What `run`, `resume` and `rollback` share: everything a runner needs, its display, its interrupts, its end.

use super::amend::Amendments;
use super::decider::{Decider, may_say_yes};
use super::identity::{Identity, Speaker};
use super::output::{self, Format};
use super::state::State;
use super::{revision, unchanged};
use crate::domain::secret::SecretRef;
use crate::effects::{Effects, Secrets};
use crate::engine::approvals::Standing;
use crate::engine::clock::wall;
use crate::engine::{JournalApprovals, Runner, Setup, registered, run_id};
use crate::error::{Failure, Result, exit};
use crate::notify::{self, Postman};
use crate::people::{PeopleFile, Right};
use crate::plan::Plan;
use crate::plan::load::Sources;
use crate::report::fold::Summary;
use crate::report::progress::Recorder;
use crate::report::terminal::Terminal;
use crate::store::{Breakpoints, Entry, Event, Journal, Outcome, Tee};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_util::sync::CancellationToken;

/// How often the display checks whether a step has been silent for too long.
const LOOK: Duration = Duration::from_secs(5);
/// How long background work may take to end after the run.
const LAST_WORK: Duration = Duration::from_secs(2);

/// Options that `run`, `resume` and `rollback` share.
#[derive(Debug, Clone, clap::Args)]
pub struct Manner {
    /// Approve every step that asks for approval.
    #[arg(short, long)]
    pub yes: bool,
    #[command(flatten)]
    pub identity: Identity,
    /// Who asked for this start, where the journal holds it. Not an option: anyone can type a command line.
    #[arg(skip)]
    pub started_by: Option<StartedBy>,
    /// Output format of the summary at the end.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Stop before and after every journal entry until the listener on this socket answers.
    #[arg(long, value_name = "SOCKET", hide = true)]
    pub breakpoints: Option<PathBuf>,
}

/// A start decided by a scheduler, or requested by a person on the page.
#[derive(Debug, Clone)]
pub struct StartedBy {
    /// The schedule, as `schedule NAME`, or the person.
    pub who: String,
    /// The file of people that the page goes by, where there is one.
    pub people: Option<PathBuf>,
}

/// Who works on a run.
struct Worker {
    /// The person at this terminal.
    speaker: Speaker,
    /// Who began this: a named person or a schedule; `None` for the account of the process.
    by: Option<String>,
    /// The file of people whose answers count.
    people: Option<PeopleFile>,
}

impl Manner {
    /// Who works here.
    ///
    /// # Errors
    /// The exit code, when a file of people is given and this person may not start runs.
    fn worker(&self) -> Result<Worker, u8> {
        let Some(StartedBy { who, people }) = &self.started_by else {
            let speaker = self.identity.speaker(Right::Start)?;
            let by = speaker.file.is_some().then(|| speaker.name.clone());
            return Ok(Worker { people: speaker.file.clone(), by, speaker });
        };
        // there is no person here: the file only lists who may answer
        let file = if people.is_some() { Identity::of(people.clone()).file()? } else { self.identity.file()? };
        let speaker = Speaker { name: who.clone(), file: None };
        Ok(Worker { speaker, by: Some(who.clone()), people: file.map(|(_, file)| file) })
    }
}

/// What to do with a run.
pub enum Errand {
    /// Start it.
    Run,
    /// Resume it.
    Resume,
    /// Resume it; accept the writes found on servers that it has closed, for this reason.
    AcceptWrites(String),
    /// Roll it back.
    Rollback(String),
}

/// One run, about to be worked on.
pub struct Conduct {
    /// State directory and journal.
    pub state: State,
    /// Its id.
    pub run: String,
    /// Its plan.
    pub plan: Plan,
    /// Folder that relative secret files are seen from.
    pub folder: PathBuf,
    /// The files that its plan was made from, if known.
    pub sources: Option<Sources>,
    /// Whether to check first that the files still give the same plan.
    pub compare: bool,
    /// Corrections to the plan since the run was started.
    pub amendments: Amendments,
    /// How.
    pub manner: Manner,
}

impl Conduct {
    /// Runs it, shows the progress, and prints the summary. Returns the exit code.
    pub fn carry_out(self, errand: Errand) -> u8 {
        let worker = match self.manner.worker() {
            Ok(worker) => worker,
            Err(code) => return code,
        };
        let secrets = match Secrets::read(self.secrets(), &self.folder) {
            Ok(secrets) => secrets,
            Err(failures) => {
                for failure in &failures {
                    output::complain(failure);
                }
                return exit::INVALID;
            }
        };
        if let Err(failure) = self.see_that_yes_counts(&errand, &worker.speaker) {
            return give_up(&failure);
        }
        let lock = match self.state.home().and_then(|home| home.lock(&self.run)) {
            Ok(lock) => lock,
            Err(failure) => return give_up(&failure),
        };
        if let Some(sources) = self.sources.as_ref().filter(|_| self.compare)
            && let Err(failure) = unchanged::check(&self.run, sources, &self.plan)
        {
            let code = give_up(&failure);
            drop(lock); // the run is released
            self.conclude(None);
            return code;
        }
        let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return give_up(&Failure::permanent("start the runner", error.to_string())),
        };
        let postman = match self.postman() {
            Ok(postman) => postman,
            Err(failure) => return give_up(&failure),
        };
        let result = runtime.block_on(self.conduct(errand, secrets, worker));
        runtime.shutdown_timeout(LAST_WORK); // a missing journal must not delay the end of the command
        drop(lock);
        let code = match &result {
            Ok(outcome) => outcome.exit_code(),
            Err(failure) => give_up(failure),
        };
        self.conclude(result.ok());
        let unsent = postman.map_or(0, Postman::end);
        if unsent > 0 {
            let words = "some notifications are not sent yet: `cutover outbox list` lists them, `cutover outbox send` sends them";
            let _ = writeln!(std::io::stderr(), "{words}");
        }
        code
    }

    /// Sends notifications, where the playbook names recipients.
    fn postman(&self) -> Result<Option<Postman>> {
        notify::concerns(&self.plan).then(|| Postman::begin(self.state.store()?, &self.run, wall)).transpose()
    }

    /// Every secret that the run may need.
    fn secrets(&self) -> impl Iterator<Item = &SecretRef> {
        let inventory = &self.plan.world.inventory;
        inventory.secrets().into_iter().chain(inventory.webhook_secrets())
    }

    /// A `--yes` that is not allowed would leave the run waiting hours from now, so it is refused before anything is touched.
    fn see_that_yes_counts(&self, errand: &Errand, who: &Speaker) -> Result<()> {
        if !self.manner.yes || matches!(errand, Errand::Rollback(_)) {
            return Ok(());
        }
        let entries = match errand {
            Errand::Run => Vec::new(),
            _ => self.state.existing()?.entries(&self.run)?,
        };
        may_say_yes(&self.plan, who, &Standing::of(&entries, ""))
    }

    async fn conduct(&self, errand: Errand, secrets: Secrets, worker: Worker) -> Result<Outcome> {
        let (told, entries) = unbounded_channel();
        let (updates, news) = unbounded_channel();
        let mut journal = self.state.journal()?;
        if let Some(socket) = &self.manner.breakpoints {
            journal = Arc::new(Breakpoints::new(journal, socket)?);
        }
        let journal: Arc<dyn Journal> = Arc::new(Tee::new(journal, told));
        let approvals = Arc::new(JournalApprovals::new(journal.clone(), &self.run));
        let inventory = Arc::new(self.plan.world.inventory.clone());
        let control = self.state.dir().join("ssh");
        let expected = self.amendments.expected(&inventory);
        let effects = Arc::new(Effects::new(inventory, Arc::new(secrets), approvals, control).expecting(expected));
        let (interrupt, halt) = (CancellationToken::new(), CancellationToken::new());
        let setup = Setup {
            plan: Arc::new(self.plan.clone()),
            run: self.run.clone(),
            journal: journal.clone(),
            effects: effects.clone(),
            decode: registered(),
            updates,
            interrupt: interrupt.clone(),
            halt: halt.clone(),
            folder: self.folder.display().to_string(),
            sources: self.sources.clone(),
            revision: self.sources.as_ref().and_then(|sources| revision::at(&sources.playbook)),
            by: worker.by,
            people: worker.people,
            corrections: self.amendments.corrections.clone(),
            left_out: self.amendments.left_out.clone(),
            wall: Arc::new(wall),
        };
        tokio::spawn(watch_signals(interrupt, halt));
        let decider = Decider { journal, run: self.run.clone(), yes: self.manner.yes, who: worker.speaker };
        let recorder = Recorder::new(self.state.dir(), &self.run);
        let over = CancellationToken::new();
        let display = tokio::spawn(show(Terminal::new(&self.plan), recorder, entries, news, decider, over.clone()));
        let runner = Runner::new(setup)?;
        let result = match errand {
            Errand::Run => runner.run().await,
            Errand::Resume => runner.resume().await,
            Errand::AcceptWrites(why) => runner.resume_accepting(&why).await,
            Errand::Rollback(reason) => runner.rollback(&reason).await,
        };
        effects.close().await;
        over.cancel();
        let _ = display.await; // it shows the remaining entries
        result
    }

    /// Prints the result of the run.
    fn conclude(&self, outcome: Option<Outcome>) {
        // reading does not create a journal: one that was removed during the run is not created again
        let Ok(journal) = self.state.existing() else { return };
        let plan = Arc::new(self.plan.clone());
        let Ok(entries) = journal.entries(&self.run) else { return };
        if entries.is_empty() {
            return; // it was refused before it was recorded: there is nothing to resume
        }
        let Ok(summary) = Summary::new(&self.run, &plan, &entries) else { return };
        if outcome != Some(Outcome::Done) {
            let put_off = summary.put_off.iter().map(|put_off| &put_off.failure);
            let failures = summary.steps.iter().filter_map(|step| step.failure.as_ref());
            let failures = failures.filter(|failure| put_off.clone().all(|said| said != *failure));
            for failure in failures.chain(put_off.clone()) {
                output::complain(&failure.in_the_past()); // the run has ended since
            }
        }
        match self.manner.format {
            Format::Json => output::json(&summary),
            Format::Text => output::text(&self.state.shown(&summary, self.state.worker(&self.run).as_deref())),
        }
    }
}

/// A new run's id.
pub fn new_run() -> String {
    run_id::new()
}

/// Prints a failure, and gives its exit code.
pub fn give_up(failure: &Failure) -> u8 {
    output::complain(failure);
    failure.exit_code()
}

async fn watch_signals(interrupt: CancellationToken, halt: CancellationToken) {
    let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
    let Ok(mut terminate) = terminate else { return };
    for token in [interrupt, halt] {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        token.cancel();
    }
}

async fn show(
    mut terminal: Terminal,
    mut recorder: Recorder,
    mut entries: UnboundedReceiver<Entry>,
    mut news: UnboundedReceiver<(String, crate::kinds::Update)>,
    decider: Decider,
    over: CancellationToken,
) {
    let mut look = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            biased;
            Some((step, update)) = news.recv() => {
                recorder.tell(wall(), &step, &update);
                terminal.update(&step, &update);
            }
            Some(entry) = entries.recv() => {
                terminal.entry(&entry);
                if let Event::StepWaiting { step, message, .. } = &entry.event {
                    decider.ask(&terminal, step, message);
                }
            }
            () = over.cancelled() => return,
            _ = look.tick() => terminal.show_signs_of_life(std::time::Instant::now()),
        }
    }
}

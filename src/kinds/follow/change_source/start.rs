//! Where a channel starts: at a position in the source's binary log, or after the replica's own GTID state, which is
//! set first.

use super::ChangeSource;
use crate::dialect::{Dialect, StartAt};
use crate::domain::{Sql, Words};
use crate::effects::replica::LOOK;
use crate::effects::{Rows, Session};
use crate::error::{Failure, Result};
use crate::kinds::support::answer;
use crate::kinds::support::place::dialect;
use crate::kinds::{Action, Complaint, Ctx};
use crate::playbook::world::World;
use std::collections::BTreeSet;

/// A column of the one row that `question` brings.
fn only<'a>(rows: &'a Rows, name: &str, session: &Session, question: &Sql) -> Result<&'a str> {
    let row = rows.first().ok_or_else(|| answer::unreadable(session, question, "the server returned nothing"))?;
    answer::column(row, name, session, question)
}

/// Key of the memo: what the replica remembered before of channels that it had.
const REMEMBERED: &str = "gtid_slave_pos";

/// What the replica remembered before this step; `None` when the step never came so far.
pub(super) fn remembered(cx: &Ctx<'_>) -> Result<Option<String>> {
    cx.memo.read(REMEMBERED)
}

impl ChangeSource {
    /// Exactly one of both ways to state it.
    pub(super) fn start(&self) -> Result<StartAt, Complaint> {
        match (&self.position, &self.gtid) {
            (Some(position), None) => {
                Ok(StartAt::Position { file: (&position.file).into(), offset: (&position.offset).into() })
            }
            (None, Some(_)) => Ok(StartAt::Gtid),
            (Some(_), Some(_)) => {
                Err(Complaint::new("gtid", "give either `position` or `gtid`, not both").help("remove one of them"))
            }
            (None, None) => Err(Complaint::new("", "the start of replication in the source's binary log is missing")
                .help("add `position: \"{{ steps.dump.position }}\"`, or `gtid: \"{{ steps.dump.gtid }}\"`")),
        }
    }

    /// The variable in which the replica remembers what it has applied, whatever becomes of its channels.
    pub(super) fn remembered(&self, world: &World) -> Action {
        let dialect = dialect(world, &self.replica);
        Action::sql(&self.replica, dialect.read_variable(dialect.applied_gtids()))
    }

    /// The statements that make the replica's GTID state the one that the copy stands for.
    pub(super) fn seed_actions(&self, world: &World) -> Vec<Action> {
        let Some(set) = &self.gtid else { return Vec::new() };
        let dialect = dialect(world, &self.replica);
        let missing = Words::late("the part of it that is missing there");
        match dialect.compare_gtids(set) {
            None => vec![Action::sql(&self.replica, dialect.set_gtid_start(set))],
            Some(compare) => vec![
                Action::sql(&self.replica, compare),
                Action::note("if part of it is missing there:"),
                Action::sql(&self.replica, dialect.set_gtid_start(&missing)),
            ],
        }
    }

    /// Makes it so. Transactions of the replica's own would be sent to others as if they were the source's.
    pub(super) async fn seed(&self, session: &Session, dialect: Dialect) -> Result<()> {
        let Some(set) = &self.gtid else { return Ok(()) };
        if set.trim().is_empty() {
            return Err(Failure::permanent("replicate by GTID", "the copy has no GTID set")
                .at(&self.source)
                .help("the source must have gtid_mode = ON, and the `dump` step `gtid: true`"));
        }
        let Some(compare) = dialect.compare_gtids(set) else {
            return session.query(&dialect.set_gtid_start(set), LOOK).await.map(drop);
        };
        let rows = session.query(&compare, LOOK).await?;
        let text = |name: &str| Ok::<_, Failure>(only(&rows, name, session, &compare)?.replace('\n', ""));
        let (missing, own) = (text("missing")?, text("own")?);
        if !own.is_empty() {
            return Err(self.errant(&own));
        }
        if missing.is_empty() {
            return Ok(()); // an earlier attempt has done it
        }
        session.query(&dialect.set_gtid_start(&missing), LOOK).await.map(drop)
    }

    fn errant(&self, own: &str) -> Failure {
        Failure::refused(
            "replicate by GTID",
            format!("the replica has transactions that the source does not have: {own}"),
        )
        .at(&self.replica)
        .help(
            "if the replica is new and holds no data that you need: run RESET BINARY LOGS AND GTIDS (before 8.2: \
             RESET MASTER) there",
        )
    }

    /// Questions about whether GTIDs can be followed at all, asked before the first step.
    pub(super) fn gtid_questions(&self, world: &World) -> Vec<Action> {
        let (from, to) = (dialect(world, &self.source), dialect(world, &self.replica));
        let (Some(_), Some(mode)) = (&self.gtid, to.gtid_mode()) else { return Vec::new() };
        let set = Words::late(format!("the GTID set of {}", self.source));
        let mut questions = vec![
            Action::sql(&self.source, mode),
            Action::sql(&self.replica, mode),
            Action::sql(&self.source, from.gtid_position()),
        ];
        questions.extend(to.compare_gtids(&set).map(|compare| Action::sql(&self.replica, compare)));
        questions
    }

    /// Asks them.
    pub(super) async fn gtid_admission(&self, cx: &Ctx<'_>, settled: &BTreeSet<String>) -> Result<()> {
        let (from, to) = (dialect(cx.world, &self.source), dialect(cx.world, &self.replica));
        let (Some(_), Some(mode)) = (&self.gtid, to.gtid_mode()) else { return Ok(()) };
        let (source, replica) = (cx.fx.sql(&self.source).await?, cx.fx.sql(&self.replica).await?);
        for (name, session) in [(&self.source, &source), (&self.replica, &replica)] {
            let value = answer::value(session, mode).await?;
            if value != "ON" && !settled.contains(&format!("{name}.gtid_mode")) {
                return Err(Failure::refused("replicate by GTID", format!("gtid_mode is {value} there"))
                    .at(name)
                    .now("nothing was touched")
                    .help(
                        "replicate by `position`, or first raise gtid_mode to ON on both servers, one step at a time",
                    ));
            }
        }
        let set = answer::value(&source, from.gtid_position()).await?.replace('\n', "");
        let Some(compare) = to.compare_gtids(&set) else { return Ok(()) };
        let rows = replica.query(&compare, LOOK).await?;
        match only(&rows, "own", &replica, &compare)? {
            "" => Ok(()),
            own => Err(self.errant(own).now("nothing was touched")),
        }
    }

    /// Writes down what the replica remembers, before anything changes it.
    pub(super) async fn remember(&self, cx: &Ctx<'_>, session: &Session, dialect: Dialect) -> Result<()> {
        let value = answer::value(session, &dialect.read_variable(dialect.applied_gtids())).await?;
        cx.memo.keep(REMEMBERED, value).await.map(drop)
    }

    /// Statements of [`ChangeSource::forget_applied`].
    pub(super) fn forget_actions(&self, world: &World) -> Vec<Action> {
        let dialect = dialect(world, &self.replica);
        if dialect.is_mariadb() {
            let before = dialect.set_gtid_start(Words::late("its value before"));
            return vec![Action::sql(&self.replica, before)];
        }
        vec![
            self.remembered(world),
            Action::note("if its GTID set was empty before and is not now:"),
            Action::sql(&self.replica, dialect.reset_binary_logs()),
        ]
    }

    /// Lets the replica forget what it has applied. `MySQL` forgets all or nothing: if it had GTIDs before, the new
    /// ones are kept, which does no harm.
    pub(super) async fn forget_applied(cx: &Ctx<'_>, session: &Session, before: &str, dialect: Dialect) -> Result<()> {
        let statement = if dialect.is_mariadb() {
            dialect.set_gtid_start(before)
        } else {
            let now = answer::value(session, &dialect.read_variable(dialect.applied_gtids())).await?;
            if !before.is_empty() || now.is_empty() {
                return Ok(());
            }
            dialect.reset_binary_logs().into()
        };
        if let Err(failure) = session.query(&statement, LOOK).await {
            let answer = failure.answer;
            cx.progress.note(format!("{} was left unchanged: {answer}", dialect.applied_gtids())); // it does no harm
        }
        Ok(())
    }
}

//! A model of runners on copies of one state directory, of one server and one host: they are frozen, woken, killed and
//! cut off at any moment, and every decision is made by the very functions that the program uses.
//!
//! No effect happens twice, none starts while another runner's effect is running, and a displaced runner does nothing
//! more. `CUTOVER_MODEL_CASES=100000` runs more than the usual 500 cases.

use super::Knows;
use super::host::{Seen, may_follow};
use super::record::{Card, Record, Stamp};
use super::server::Holder;
use super::take::next_epoch;
use super::watch::{Advice, Held, advise};
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any};
use proptest::test_runner::TestRunner;
use std::sync::Arc;
use std::time::Duration;

/// Steps of the run, on the server and on the host in turn.
const STEPS: usize = 6;
/// Seconds between two renewals.
const RENEW: u64 = 2;

/// What a journal holds: an entry knows all before it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Journal(Vec<Stamp>);

impl Journal {
    fn append(&mut self, what: &str) {
        let before = self.0.last().map_or(String::new(), |last| last.hash.clone());
        let hash = blake3::hash(format!("{before}{what}").as_bytes()).to_hex().to_string();
        let seq = u32::try_from(self.0.len()).unwrap() + 1;
        self.0.push(Stamp { seq, hash });
    }
    fn last(&self) -> Stamp {
        self.0.last().cloned().unwrap_or_else(Stamp::start)
    }
    fn knows(&self) -> Knows {
        let held = self.0.clone();
        Arc::new(move |stamp| Ok(held.contains(stamp)))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Life {
    /// Looks who has the run: what it saw first, and when.
    Looks(Held, u64),
    Acts,
    Over,
}

#[derive(Debug, Clone)]
struct Runner {
    journal: Journal,
    /// Steps that its journal calls done, and whether the next one was begun.
    done: usize,
    begun: bool,
    life: Life,
    frozen: bool,
    epoch: u32,
    nonce: String,
    card: Card,
}

/// A running effect: its runner, and its step.
type Work = Option<(usize, usize)>;

#[derive(Default)]
struct World {
    now: u64,
    runners: Vec<Runner>,
    /// Who holds the server, and when that one was last heard of.
    server: Option<(usize, u64)>,
    /// The record on the host, and when it was renewed.
    host: Option<(Record, usize, bool, u64)>,
    on_server: Work,
    on_host: Work,
    happened: [u32; STEPS],
}

struct Dice<'a>(std::slice::Iter<'a, u8>);

impl Dice<'_> {
    fn roll(&mut self, sides: u8) -> u8 {
        self.0.next().map_or(0, |byte| byte % sides)
    }
    fn pick(&mut self, among: usize) -> usize {
        usize::from(self.roll(251)) % among.max(1)
    }
}

impl World {
    /// A process that resumes the run from a copy of a journal.
    fn begin(&mut self, journal: Journal, done: usize, begun: bool, epoch: u32) {
        let nonce = format!("{:016x}", self.runners.len());
        let card = Card::parse("another-machine 12 34 somebody").unwrap();
        let life = Life::Looks(self.look(), self.now);
        self.runners.push(Runner { journal, done, begun, life, frozen: false, epoch, nonce, card });
    }

    fn look(&self) -> Held {
        let mut held = Held::default();
        if let Some((holder, heard)) = self.server {
            let holder = Holder {
                connection: holder.to_string(),
                account: "migrate@host".into(),
                idle: self.now - heard,
                is_runner: true,
                is_same_run: true,
            };
            held.servers.insert("server".into(), holder);
        }
        if let Some((record, holder, is_free, renewed)) = &self.host {
            let holder = Some(self.runners[*holder].card.clone());
            let seen = Seen { line: record.to_string(), renewed: renewed.to_string(), holder, is_free: *is_free };
            held.hosts.insert("host".into(), seen);
        }
        held
    }

    fn record(&self, me: usize) -> Record {
        let Runner { epoch, nonce, journal, .. } = &self.runners[me];
        Record { epoch: *epoch, nonce: nonce.clone(), stamp: journal.last() }
    }

    fn is_mine(&self, me: usize) -> bool {
        self.host.as_ref().is_some_and(|(record, ..)| record.nonce == self.runners[me].nonce)
    }

    /// Work that is ended has had its effect, or will never have it.
    fn land(&mut self, work: Work, dice: &mut Dice<'_>) {
        if let Some((_, step)) = work
            && dice.roll(2) == 1
        {
            self.happened[step] += 1;
        }
    }

    fn take(&mut self, me: usize, dice: &mut Dice<'_>) {
        let Life::Looks(first, since) = self.runners[me].life.clone() else { return };
        let held = self.look();
        match advise(&first, &held, Duration::from_secs(self.now - since), true) {
            Advice::Wait => return,
            Advice::Leave(..) => return self.runners[me].life = Life::Over,
            Advice::Take => {}
        }
        let knows = self.runners[me].journal.knows();
        let Ok(epoch) = next_epoch("run", self.runners[me].epoch, &knows, &held) else {
            return self.runners[me].life = Life::Over;
        };
        self.runners[me].epoch = epoch;
        let work = self.on_server.take();
        self.land(work, dice);
        self.server = Some((me, self.now));
        if let (Some((record, ..)), Some(seen)) = (&self.host, self.look().hosts.get("host"))
            && (record.epoch >= epoch || may_follow("run", "host", "", &knows, seen, record).is_err())
        {
            return self.runners[me].life = Life::Over;
        }
        self.host = Some((self.record(me), me, false, self.now));
        let work = self.on_host.take();
        self.land(work, dice);
        self.runners[me].journal.append(&format!("taken by {me}"));
        self.runners[me].life = Life::Acts;
    }

    /// One move of a runner that acts.
    fn act(&mut self, me: usize) {
        let under_way = |work: Work| work.is_some_and(|(whose, _)| whose == me);
        if under_way(self.on_server) || under_way(self.on_host) {
            return;
        }
        let step = self.runners[me].done;
        if step == STEPS {
            self.runners[me].life = Life::Over;
            if self.is_mine(me) {
                self.host.as_mut().unwrap().2 = true;
            }
            self.server = self.server.filter(|(holder, _)| *holder != me);
            return;
        }
        if self.runners[me].begun && self.happened[step] > 0 {
            return self.finish(me, step); // a look at reality finds that it is there
        }
        self.runners[me].begun = true;
        self.runners[me].journal.append(&format!("{me} begins {step}"));
        // the host notes how far the journal has come, and reports when another runner's name is in the record
        if !self.is_mine(me) {
            return self.runners[me].life = Life::Over;
        }
        self.host = Some((self.record(me), me, false, self.now));
        if step % 2 == 1 {
            self.start(me, step, true);
        } else if self.server.is_some_and(|(holder, _)| holder == me) {
            self.start(me, step, false);
        } else {
            self.runners[me].life = Life::Over;
        }
    }

    fn start(&mut self, me: usize, step: usize, on_host: bool) {
        let of_another = |work: Work| work.is_some_and(|(whose, _)| whose != me);
        assert!(!of_another(self.on_server) && !of_another(self.on_host), "{me} begins beside another runner");
        assert_eq!(self.happened[step], 0, "{me} does step {step} again");
        let work = if on_host { &mut self.on_host } else { &mut self.on_server };
        *work = Some((me, step));
    }

    /// An effect happens, and its runner learns of it if it is still alive.
    fn happen(&mut self, on_host: bool) {
        let work = if on_host { self.on_host.take() } else { self.on_server.take() };
        let Some((me, step)) = work else { return };
        self.happened[step] += 1;
        if self.runners[me].life == Life::Acts && !self.runners[me].frozen {
            self.finish(me, step);
        }
    }

    fn finish(&mut self, me: usize, step: usize) {
        self.runners[me].journal.append(&format!("{step} is done"));
        self.runners[me].done = step + 1;
        self.runners[me].begun = false;
    }

    fn kill(&mut self, me: usize, dice: &mut Dice<'_>) {
        self.runners[me].life = Life::Over;
        if dice.roll(2) == 1 {
            let own = Card::own("somebody").unwrap().to_string();
            let dead = own.replacen(&format!(" {} ", std::process::id()), " 2147483646 ", 1);
            self.runners[me].card = Card::parse(&dead).unwrap(); // its death can be proved
        }
        if dice.roll(2) == 1 && self.server.is_some_and(|(holder, _)| holder == me) {
            self.server = None; // the server has noticed
        }
    }

    /// A second passes: every living runner renews what it holds.
    fn tick(&mut self) {
        self.now += 1;
        if !self.now.is_multiple_of(RENEW) {
            return;
        }
        for me in 0..self.runners.len() {
            if self.runners[me].life != Life::Acts || self.runners[me].frozen {
                continue;
            }
            if !self.is_mine(me) {
                self.runners[me].life = Life::Over; // displaced
                continue;
            }
            self.host.as_mut().unwrap().3 = self.now;
            match self.server {
                Some((holder, _)) if holder != me => self.runners[me].life = Life::Over,
                _ => self.server = Some((me, self.now)),
            }
        }
    }

    fn step(&mut self, dice: &mut Dice<'_>) {
        let me = dice.pick(self.runners.len());
        let able = !self.runners[me].frozen;
        match dice.roll(16) {
            0..=3 => (0..=dice.roll(12)).for_each(|_| self.tick()),
            4..=6 if able && self.runners[me].life == Life::Acts => self.act(me),
            4..=7 if able => self.take(me, dice),
            8 | 9 => self.happen(dice.roll(2) == 1),
            10 => self.runners[me].frozen = !self.runners[me].frozen,
            11 => self.kill(me, dice),
            12 if self.runners.len() < 12 => {
                // a copy made now or earlier: a prefix of the journal, and what that records of the steps
                let Runner { journal, done, begun, epoch, .. } = self.runners[me].clone();
                self.begin(journal, done, begun, epoch);
            }
            _ => (0..self.runners.len()).filter(|ix| ix % 2 == usize::from(dice.roll(2))).for_each(|ix| {
                if !self.runners[ix].frozen && self.runners[ix].life == Life::Acts {
                    self.act(ix);
                }
            }),
        }
    }
}

fn play(bytes: &[u8]) -> World {
    let mut dice = Dice(bytes.iter());
    let mut world = World::default();
    world.begin(Journal::default(), 0, false, 0);
    for _ in 0..bytes.len() {
        world.step(&mut dice);
    }
    world
}

#[test]
fn runners_on_copies_of_one_state_directory() {
    let cases = std::env::var("CUTOVER_MODEL_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(500);
    let config = ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 20_000, ..Default::default() };
    let furthest = std::cell::Cell::new(0);
    TestRunner::new(config)
        .run(&vec(any::<u8>(), 0..600), |bytes| {
            let world = play(&bytes);
            furthest.set(furthest.get().max(world.happened.iter().filter(|times| **times > 0).count()));
            Ok(())
        })
        .unwrap();
    assert_eq!(furthest.get(), STEPS, "no run of the model ever came to its end");
}

//! Steps of some kinds, played with servers and hosts whose answers are made of any bytes at all: nothing panics, nothing goes
//! on for ever, and nothing reaches them that the step's plan does not state: where a lie leads a step to ask for something
//! else (a role that has a host), it is refused on its way.

#[path = "../../tests/programs/answers.rs"]
mod answers;
#[path = "../../tests/programs/play.rs"]
mod play;

use answers::Chance;
use cutover::domain::{Permits, Sql, marker};
use cutover::effects::stand_in::Answers;
use cutover::effects::{JobState, Ran, Rows, ServerError};
use cutover::kinds::find;
use cutover::plan::load;
use play::{PRODUCTS, Sample};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, OnceLock};

/// What is put in an answer's place where no bytes of the input are.
const ODD: [&str; 16] = [
    "",
    "-1",
    "18446744073709551616",
    "1e400",
    "NaN",
    "NULL",
    "‹secret TARGET_PASSWORD›",
    "it's `odd` \\",
    "\u{1b}[2J\u{202e}",
    "CREATE USER `a`@`%` IDENTIFIED BY PASSWORD '*00'; DROP DATABASE x",
    "GRANT ALL ON *.* TO `a`@`%` WITH GRANT OPTION -- ",
    "mysql-bin.999999999999",
    "0-1-5,0-2-18446744073709551615",
    "3E11FA47-71CA-11E1-9E33-C80AA9429562:1-18446744073709551615:3",
    "2026-02-30 25:61:61",
    "/*!99999 */ \0",
];

/// The input, byte for byte; when it is used up, answers stay as they are.
struct Bytes {
    all: Vec<u8>,
    next: Mutex<usize>,
}

impl Bytes {
    fn take(&self) -> u8 {
        let mut next = self.next.lock().unwrap();
        *next += 1;
        self.all.get(*next - 1).copied().unwrap_or(0)
    }
    /// So many bytes of the input, as a server may send them.
    fn piece(&self, length: usize) -> Vec<u8> {
        let mut next = self.next.lock().unwrap();
        let from = (*next).min(self.all.len());
        let to = (from + length).min(self.all.len());
        *next = to;
        self.all[from..to].to_vec()
    }
    fn text(&self, usual: Option<String>) -> Option<String> {
        match self.take() {
            0..200 => usual,
            200..210 => None,
            210..230 => Some(ODD[usize::from(self.take()) % ODD.len()].to_owned()),
            230..245 => Some(usual.unwrap_or_default() + ODD[usize::from(self.take()) % ODD.len()]),
            _ => {
                let length = usize::from(self.take());
                Some(String::from_utf8_lossy(&self.piece(length)).into_owned())
            }
        }
    }
}

/// Answers that let a step go on, with damage.
struct Damaged {
    usual: Chance,
    bytes: Bytes,
}

impl Damaged {
    fn rows(&self, rows: &Rows) -> Rows {
        let Some(first) = rows.first() else { return rows.clone() };
        let columns: Vec<String> = first.pairs().map(|(name, _)| name.to_owned()).collect();
        let mut damaged = Rows::of(Arc::from(columns));
        for row in rows.iter() {
            let times = match self.bytes.take() {
                0..230 => 1,
                230..240 => 0,
                _ => 3,
            };
            for _ in 0..times {
                let values: Vec<_> = row.pairs().map(|(_, value)| self.bytes.text(value.map(str::to_owned))).collect();
                damaged.push(values);
            }
        }
        damaged
    }
}

impl Answers for Damaged {
    fn sql(&self, server: &str, statement: &Sql) -> Result<Rows, ServerError> {
        if self.bytes.take() > 250 {
            let message = self.bytes.text(None).unwrap_or_default();
            return Err(ServerError { code: 1000 + u16::from(self.bytes.take()), message });
        }
        self.usual.sql(server, statement).map(|rows| self.rows(&rows))
    }
    fn run(&self, host: &str, command: &str) -> Ran {
        let usual = self.usual.run(host, command);
        let text = |bytes: &[u8]| self.bytes.text(Some(String::from_utf8_lossy(bytes).into_owned()));
        let (stdout, stderr) = (text(&usual.stdout), text(usual.stderr.as_bytes()));
        Ran { stdout: stdout.unwrap_or_default().into_bytes(), stderr: stderr.unwrap_or_default(), ..usual }
    }
    fn file(&self, host: &str, path: &str) -> Option<Vec<u8>> {
        let usual = self.usual.file(host, path);
        self.bytes.text(usual.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())).map(String::into_bytes)
    }
    fn job(&self, host: &str, folder: &str) -> Option<JobState> {
        let usual = self.usual.job(host, folder);
        let line = |state: &JobState| {
            let or_none = |number: Option<String>| number.unwrap_or_else(|| "-".into());
            let (code, done) = (or_none(state.code.map(|n| n.to_string())), or_none(state.done.map(|n| n.to_string())));
            format!("{} {code} {done}", u8::from(state.running))
        };
        JobState::parse(&self.bytes.text(usual.as_ref().map(line))?)
    }
    fn socket(&self, host: &str, path: &str, line: &str) -> String {
        self.bytes.text(Some(self.usual.socket(host, path, line))).unwrap_or_default()
    }
    fn login(&self, server: &str, user: &str) -> Result<String, ServerError> {
        self.usual.login(server, user).map(|account| self.bytes.text(Some(account)).unwrap_or_default())
    }
}

/// The steps of the shipped playbook that are of these kinds, with values for what only a run knows.
fn samples(kinds: &[&str]) -> Vec<Sample> {
    let plan = load::plan_of_texts(cutover_fuzz::PLAYBOOK, Some(cutover_fuzz::INVENTORY)).expect("it is shipped");
    let steps = plan.steps.iter().filter(|step| kinds.contains(&step.uses.as_str()));
    let one = |step: &cutover::plan::PlannedStep| {
        let kind = find(&step.uses).expect("it was planned");
        let mut lookup = |reference: &str| {
            let output = reference.rsplit('.').next().unwrap_or_default();
            Some(match output {
                "position" | "caught_up" => json!({ "file": "mysql-bin.000002", "offset": 1542 }),
                _ => Value::from("/var/tmp/it's here"),
            })
        };
        Sample { kind, with: marker::bind_all(&step.with, kind.read, &mut lookup), world: plan.world.clone() }
    };
    steps.map(one).collect()
}

/// Plays one of these kinds' steps: the first bytes choose which, the product, and the usual answers; the rest is damage.
pub fn played(kinds: &[&str], bytes: &[u8]) {
    static SAMPLES: OnceLock<Vec<Sample>> = OnceLock::new();
    let samples = SAMPLES.get_or_init(|| samples(kinds));
    let [which, product, seed, rest @ ..] = bytes else { return };
    let sample = &samples[usize::from(*which) % samples.len()];
    if (sample.kind.decode)(&sample.with).is_err() {
        return;
    }
    let product = PRODUCTS[usize::from(*product) % PRODUCTS.len()];
    let bytes = Bytes { all: rest.to_vec(), next: Mutex::new(0) };
    let answers = Damaged { usual: Chance::new(u64::from(*seed), product.2), bytes };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    let played = runtime.expect("a runtime").block_on(play::play(sample, product, answers));
    if let Some(played) = played {
        let stated = Permits::new(&played.stated);
        for asked in &played.asked {
            assert!(stated.admits(asked), "{}: asked for, and not stated: {asked}", sample.kind.name);
        }
    }
}

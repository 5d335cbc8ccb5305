//! Progress of running steps, kept beside the journal for displays in other processes: one file per run, of bounded size.
//! It holds nothing that a run needs, so a line that cannot be written is not a failure.

use crate::error::{Failure, Result};
use crate::kinds::Update;
use crate::report::lag_curve::LagSample;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::mem::{Discriminant, discriminant};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const FOLDER: &str = "progress";
/// Shortest time between two figures of a step, in milliseconds; doubled by each thinning.
const APART: i64 = 500;
/// Number of lines at which a file is thinned to half of its figures.
const LINES: usize = 8000;
/// Longest sentence, in letters; longer ones are cut, because some name every row of a table.
const LETTERS: usize = 2000;

/// One progress report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct News {
    /// Time of the report, in milliseconds since 1970, on the runner's clock.
    pub at: i64,
    /// The step.
    pub step: String,
    /// The progress.
    #[serde(flatten)]
    pub update: Update,
}

/// The reported lag, in the order of time.
#[must_use]
pub fn lag(news: &[News]) -> Vec<LagSample> {
    let sample = |news: &News| match news.update {
        Update::Lag { millis } => Some(LagSample { at: news.at, millis }),
        _ => None,
    };
    news.iter().filter_map(sample).collect()
}

/// Writes the progress of one run.
pub struct Recorder {
    path: PathBuf,
    file: Option<File>,
    lines: usize,
    apart: i64,
    last: HashMap<(String, Discriminant<Update>), i64>,
}

impl Recorder {
    /// For `run` in `state_dir`. Lines of earlier processes are kept.
    #[must_use]
    pub fn new(state_dir: &Path, run: &str) -> Self {
        let path = path(state_dir, run);
        if let Some(folder) = path.parent() {
            let _ = DirBuilder::new().recursive(true).mode(0o700).create(folder); // opening the file reports a failure
        }
        let lines = read_after(&path, 0).map_or(0, |(news, _)| news.len());
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path).ok();
        Self { path, file, lines, apart: APART, last: HashMap::new() }
    }

    /// Writes the progress of `step` at `at`, unless it is a figure that comes too soon after the one before.
    pub fn tell(&mut self, at: i64, step: &str, update: &Update) {
        if is_figure(update) {
            let last = self.last.entry((step.to_owned(), discriminant(update))).or_insert(i64::MIN);
            // a clock that was set back is no reason to fall silent
            if at.saturating_sub(*last) < self.apart && at >= *last && !is_end(update) {
                return;
            }
            *last = at;
        }
        let news = News { at, step: step.to_owned(), update: cut(update) };
        let (Some(file), Ok(mut line)) = (&mut self.file, serde_json::to_string(&news)) else { return };
        line.push('\n');
        if file.write_all(line.as_bytes()).is_ok() {
            self.lines += 1;
        }
        if self.lines >= LINES {
            self.thin();
        }
    }

    /// Removes every second figure, and from then on accepts half as many. Sentences are kept, as many as fit.
    fn thin(&mut self) {
        self.apart *= 2;
        let Ok((news, _)) = read_after(&self.path, 0) else { return };
        let mut seen: HashMap<(String, Discriminant<Update>), usize> = HashMap::new();
        let mut kept: Vec<News> = Vec::with_capacity(LINES);
        for news in news {
            let count = seen.entry((news.step.clone(), discriminant(&news.update))).or_default();
            *count += 1;
            if !is_figure(&news.update) || *count % 2 == 1 {
                kept.push(news);
            }
        }
        let surplus = kept.len().saturating_sub(LINES / 2 + LINES / 4);
        kept.drain(..surplus);
        let lines: Vec<String> = kept.iter().filter_map(|news| serde_json::to_string(news).ok()).collect();
        let new = self.path.with_extension("new");
        let written = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new);
        let written = written.and_then(|mut file| file.write_all((lines.join("\n") + "\n").as_bytes()));
        if written.and_then(|()| std::fs::rename(&new, &self.path)).is_ok() {
            self.lines = lines.len();
            self.file = OpenOptions::new().append(true).open(&self.path).ok();
        } else {
            self.file = None; // a full disk is the run's business, not the display's
        }
    }
}

fn is_figure(update: &Update) -> bool {
    !matches!(update, Update::Note { .. })
}

/// Whether a figure is the final one: it is always kept.
fn is_end(update: &Update) -> bool {
    match update {
        Update::Bytes { done, total } | Update::Rows { done, total, .. } => *total == Some(*done),
        _ => false,
    }
}

fn cut(update: &Update) -> Update {
    match update {
        Update::Note { text } if text.chars().count() > LETTERS => {
            Update::Note { text: text.chars().take(LETTERS).chain(['…']).collect() }
        }
        update => update.clone(),
    }
}

fn path(state_dir: &Path, run: &str) -> PathBuf {
    state_dir.join(FOLDER).join(format!("{run}.jsonl"))
}

/// Follows the progress of one run.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    read: u64,
    identity: Option<(u64, u64)>,
    news: Vec<News>,
}

impl Reader {
    /// Of `run` in `state_dir`.
    #[must_use]
    pub fn new(state_dir: &Path, run: &str) -> Self {
        Self { path: path(state_dir, run), read: 0, identity: None, news: Vec::new() }
    }

    /// All progress as of the last read, in order.
    #[must_use]
    pub fn news(&self) -> &[News] {
        &self.news
    }

    /// Reads new lines; returns whether there were any. A run without progress has no file.
    ///
    /// # Errors
    /// When the file exists and cannot be read.
    pub fn look(&mut self) -> Result<bool> {
        let attempted = || format!("read {}", self.path.display());
        let identity = match std::fs::metadata(&self.path) {
            Ok(about) => {
                Some((std::os::unix::fs::MetadataExt::dev(&about), std::os::unix::fs::MetadataExt::ino(&about)))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(Failure::permanent(attempted(), error.to_string())),
        };
        let before = (self.identity, self.read);
        if identity != self.identity {
            (self.identity, self.read) = (identity, 0); // it was thinned: another file stands there now
            self.news.clear();
        }
        if identity.is_some() {
            let (news, read) = read_after(&self.path, self.read)
                .map_err(|error| Failure::permanent(attempted(), error.to_string()))?;
            self.news.extend(news);
            self.read = read;
        }
        Ok(before != (self.identity, self.read))
    }
}

/// Whole lines after byte `from`, and where the next read starts. Unreadable lines are left out.
fn read_after(path: &Path, from: u64) -> std::io::Result<(Vec<News>, u64)> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(from))?;
    let (mut reader, mut news, mut read, mut line) = (BufReader::new(file), Vec::new(), from, String::new());
    loop {
        line.clear();
        let bytes = reader.read_line(&mut line)?;
        if !line.ends_with('\n') {
            return Ok((news, read)); // the rest of it is being written
        }
        read += bytes as u64;
        news.extend(serde_json::from_str(&line).ok());
    }
}

#[cfg(test)]
mod tests {
    use super::{LINES, Reader, Recorder};
    use crate::kinds::Update;

    fn lag(millis: u64) -> Update {
        Update::Lag { millis }
    }

    #[test]
    fn figures_are_taken_now_and_then_and_sentences_always() {
        let dir = tempfile::tempdir().unwrap();
        let mut reader = Reader::new(dir.path(), "r");
        assert!(!reader.look().unwrap() && reader.news().is_empty());
        let mut recorder = Recorder::new(dir.path(), "r");
        for at in 0..100 {
            recorder.tell(at * 20, "a", &lag(7));
            recorder.tell(at * 20, "b", &Update::Note { text: "x".repeat(3000) });
        }
        recorder.tell(1999, "c", &Update::Bytes { done: 1, total: Some(2) });
        recorder.tell(2000, "c", &Update::Bytes { done: 2, total: Some(2) });
        assert!(reader.look().unwrap() && !reader.look().unwrap());
        let news = reader.news();
        let of = |step: &str| news.iter().filter(|news| news.step == step).count();
        assert_eq!((of("a"), of("b"), of("c")), (4, 100, 2));
        let Update::Note { text } = &news[1].update else { panic!("{:?}", news[1]) };
        assert_eq!(text.chars().count(), 2001);
    }

    #[test]
    fn a_file_never_grows_beyond_its_bound_and_a_reader_keeps_up() {
        let dir = tempfile::tempdir().unwrap();
        let (mut recorder, mut reader) = (Recorder::new(dir.path(), "r"), Reader::new(dir.path(), "r"));
        for at in 0..3 * i64::try_from(LINES).unwrap() {
            recorder.tell(at * 600, "a", &lag(u64::try_from(at).unwrap()));
            if at % 1000 == 0 {
                reader.look().unwrap();
                assert!(reader.news().len() <= LINES);
            }
        }
        reader.look().unwrap();
        let news = reader.news();
        assert!(news.len() > LINES / 4 && news.len() <= LINES, "{}", news.len());
        assert!(news.windows(2).all(|pair| pair[0].at < pair[1].at) && news[0].at == 0, "the whole time is covered");
    }
}

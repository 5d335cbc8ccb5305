//! What a plan loses when it is too long for a comment, the least important first.

use std::fmt;

/// Something that can be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cut {
    /// What happens before the first step, and beside the steps.
    Opening,
    /// Statements that only look.
    Looks,
    /// Contents of files.
    Contents,
    /// How each step is undone.
    Undo,
    /// The graph; the table shows the same.
    Graph,
    /// What each step does.
    Actions,
    /// The steps' own paragraphs.
    Details,
}

/// All of them, in the order in which they go.
const ORDER: [Cut; 7] = [Cut::Opening, Cut::Looks, Cut::Contents, Cut::Undo, Cut::Graph, Cut::Actions, Cut::Details];

/// What is left out: this many of them, from the first.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cuts(usize);

impl Cuts {
    /// Leaves out one more; returns whether there was one.
    pub(super) fn next(&mut self) -> bool {
        self.0 += 1;
        self.0 <= ORDER.len()
    }
    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }
    pub(super) fn has(self, cut: Cut) -> bool {
        ORDER.iter().take(self.0).any(|gone| *gone == cut)
    }
}

impl fmt::Display for Cuts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |cut: &Cut| match cut {
            Cut::Opening => "the setup",
            Cut::Looks => "read-only actions",
            Cut::Contents => "contents of files, and shared scripts",
            Cut::Undo => "undo actions",
            Cut::Graph => "the graph",
            Cut::Actions => "the actions of steps",
            Cut::Details => "the details of steps",
        };
        f.write_str(&ORDER.iter().take(self.0).map(word).collect::<Vec<_>>().join(", "))
    }
}

/// `text` up to the last line that fits, with a line that states it. What is folded or fenced by then is long cut.
pub(super) fn short(text: &str, longest: usize) -> String {
    let end = "\n\nThe rest is left out to fit into a comment: `cutover plan` with `--format text` shows all of it.\n";
    let (mut room, mut out) = (longest.saturating_sub(end.len()), String::new());
    for line in text.split_inclusive('\n') {
        let units = line.encode_utf16().count();
        if units > room {
            break;
        }
        room -= units;
        out.push_str(line);
    }
    out.trim_end().to_owned() + end
}

#[cfg(test)]
mod tests {
    use super::{Cut, Cuts, short};

    #[test]
    fn the_least_important_goes_first() {
        let mut cuts = Cuts::default();
        assert!(cuts.is_empty() && !cuts.has(Cut::Opening));
        assert!(cuts.next() && cuts.has(Cut::Opening) && !cuts.has(Cut::Looks));
        assert!(cuts.next());
        assert_eq!(cuts.to_string(), "the setup, read-only actions");
        assert!((0..5).all(|_| cuts.next()) && !cuts.next());
    }

    #[test]
    fn a_text_ends_with_a_whole_line_and_says_so() {
        let text = "0123456789\n".repeat(100);
        let shown = short(&text, 300);
        assert!(shown.len() <= 300 && shown.starts_with("0123456789\n") && shown.contains("The rest is left out"));
    }
}

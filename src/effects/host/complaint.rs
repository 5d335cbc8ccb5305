//! The lines of a program's error output that show what went wrong. Pure.

/// Words of lines that report an error.
const ERRORS: [&str; 17] = [
    "error",
    "fatal",
    "failed",
    "failure",
    "denied",
    "cannot",
    "can't",
    "couldn't",
    "could not",
    "unable to",
    "no such",
    "not found",
    "not permitted",
    "refused",
    "unknown option",
    "unknown variable",
    "no space left",
];
/// Words of lines that report less than an error, whatever else they contain.
const LESSER: [&str; 7] = ["warning", "[note]", "[system]", "note:", "info:", "deprecated", "[info]"];

/// At most `count` lines of `text`: those that report an error come first, and the last lines fill the rest. A text
/// without such lines keeps its last ones, without empty ones at its end.
#[must_use]
pub fn telling_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let errors: Vec<usize> = (0..lines.len()).filter(|&number| is_error(lines[number])).collect();
    let errors = ends(&errors, count);
    let others = (0..lines.len()).rev().filter(|number| !errors.contains(number));
    let mut others: Vec<usize> = others.take(count - errors.len()).collect();
    others.reverse();
    errors.into_iter().chain(others).map(|number| lines[number]).collect::<Vec<_>>().join("\n")
}

fn is_error(line: &str) -> bool {
    let line = line.to_lowercase();
    let holds = |words: &[&str]| words.iter().any(|word| line.contains(word));
    holds(&ERRORS) && !holds(&LESSER)
}

/// At most `count` of them, where there are more the first, which is the cause as a rule, and the last ones.
fn ends(errors: &[usize], count: usize) -> Vec<usize> {
    if errors.len() <= count {
        return errors.to_vec();
    }
    let (first, last) = (errors.iter().take(1), errors.iter().skip(errors.len() + 1 - count.max(1)));
    first.chain(last).take(count).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::telling_lines;

    #[test]
    fn an_error_wins_over_the_warnings_around_it() {
        let said = "mysqldump: [Warning] Using a password can be insecure.\n\
                    WARNING: option --x is deprecated and failed to matter\n\
                    mysqldump: Couldn't execute 'SHOW CREATE VIEW v': execute command denied (1370)\n\
                    -- Warning: column statistics not supported\n";
        let first = |count| telling_lines(said, count).lines().next().unwrap().to_owned();
        assert!(first(4).starts_with("mysqldump: Couldn't execute"), "{}", first(4));
        assert_eq!(telling_lines(said, 1), first(4));
        assert_eq!(telling_lines(said, 4).lines().count(), 4);
    }

    #[test]
    fn of_many_errors_the_first_and_the_last_are_kept() {
        let said: Vec<String> = (1..=9).map(|number| format!("[ERROR] {number}")).collect();
        assert_eq!(telling_lines(&said.join("\n"), 3), "[ERROR] 1\n[ERROR] 8\n[ERROR] 9");
        assert_eq!(telling_lines(&said.join("\n"), 1), "[ERROR] 1");
        assert_eq!(telling_lines("[ERROR] 1", 0), "");
    }

    #[test]
    fn without_an_error_the_last_lines_are_kept() {
        assert_eq!(telling_lines("a\nb\nc\n\n", 2), "b\nc");
        assert_eq!(telling_lines("", 2), "");
    }
}

//! What changes in a file, for people. Passwords in it are not shown.

use similar::TextDiff;

/// A unified diff of two versions of the file at `path`.
#[must_use]
pub fn unified(path: &str, old: &str, new: &str) -> String {
    let (old, new) = (masked(old), masked(new));
    let diff = TextDiff::from_lines(&old, &new);
    diff.unified_diff().context_radius(2).header(path, path).to_string()
}

/// The text with the values of lines that name a password hidden.
fn masked(text: &str) -> String {
    text.split_inclusive('\n').map(masked_line).collect()
}

fn masked_line(line: &str) -> String {
    let Some((name, rest)) = line.split_once(['=', ':']) else { return line.to_owned() };
    let name_of = name.to_ascii_lowercase();
    if !["passw", "secret", "token", "pwd"].iter().any(|word| name_of.contains(word)) {
        return line.to_owned();
    }
    let end = if rest.ends_with('\n') { "\n" } else { "" };
    format!("{name}={}{end}", "‹hidden›")
}

#[cfg(test)]
mod tests {
    use super::unified;

    #[test]
    fn shows_what_changes_and_no_password() {
        let diff = unified("/f", "[client]\npassword = geheim\na = 1\n", "[client]\npassword = neu\na = 2\n");
        assert!(diff.contains("-a = 1\n+a = 2"), "{diff}");
        assert!(!diff.contains("geheim") && !diff.contains("neu"), "{diff}");
    }
}

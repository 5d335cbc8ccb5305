//! Pieces of Markdown in which no text of a plan, a server or a file can be taken for markup.

/// A code block whose fence is longer than any run of backticks within.
#[must_use]
pub fn fenced(language: &str, body: &str) -> String {
    let fence = "`".repeat(longest_run(body).max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}", body.trim_end_matches('\n'))
}

/// A code span, on one line.
#[must_use]
pub fn code(text: &str) -> String {
    let text = one_line(text);
    let fence = "`".repeat(longest_run(&text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') || text.is_empty() { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Text in which nothing is markup, on one line.
#[must_use]
pub fn plain(text: &str) -> String {
    escaped(&one_line(text))
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if r"\`*_[]<>#~&$".contains(letter) {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

/// A sentence of the plan: names in it stand between backticks.
#[must_use]
pub fn sentence(text: &str) -> String {
    let text = one_line(text);
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return escaped(&text); // a name holds a backtick itself
    }
    parts.iter().enumerate().map(|(index, part)| if index % 2 == 1 { code(part) } else { escaped(part) }).collect()
}

/// Markdown that stands in a table: a bar would end its cell, even within code.
#[must_use]
pub fn cell(markdown: &str) -> String {
    markdown.replace('|', "\\|")
}

fn one_line(text: &str) -> String {
    text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

fn longest_run(text: &str) -> usize {
    text.split(|letter| letter != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{cell, code, fenced, plain, sentence};

    #[test]
    fn fences_are_longer_than_what_they_hold() {
        assert_eq!(fenced("text", "a ```` b\n"), "`````text\na ```` b\n`````");
        assert_eq!(fenced("text", "plain"), "```text\nplain\n```");
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("`a``"), "``` `a`` ```");
        assert_eq!(code("two\n lines"), "`two lines`");
    }

    #[test]
    fn nothing_of_a_text_is_markup() {
        assert_eq!(plain("<b>*a*_[x](y)#1&amp;"), r"\<b\>\*a\*\_\[x\](y)\#1\&amp;");
        assert_eq!(sentence("that `a|b` <is>"), r"that `a|b` \<is\>");
        assert_eq!(sentence("one ` alone"), r"one \` alone");
        assert_eq!(cell(&code("a|b")), r"`a\|b`");
    }
}

//! Statements as the words and signs that they are made of, without what is quoted and what is commented out.

/// The words and signs of `text`, as they stand there. What is quoted counts as one sign, its quote.
pub fn tokens(text: &str) -> Vec<&str> {
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some(sign) = rest.chars().next() {
        let length = match sign {
            '\'' | '"' | '`' => {
                found.push(&rest[..1]);
                quoted(rest, sign)
            }
            '#' => line(rest),
            '-' if rest.starts_with("-- ") || rest.starts_with("--\t") || rest.starts_with("--\n") => line(rest),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            _ if is_of_a_word(sign) => {
                let end = rest.find(|next: char| !is_of_a_word(next)).unwrap_or(rest.len());
                found.push(&rest[..end]);
                end
            }
            _ if sign.is_whitespace() => sign.len_utf8(),
            _ => {
                found.push(&rest[..sign.len_utf8()]);
                sign.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    found
}

fn is_of_a_word(sign: char) -> bool {
    sign.is_alphanumeric() || matches!(sign, '_' | '$' | '@')
}

fn line(rest: &str) -> usize {
    rest.find('\n').map_or(rest.len(), |end| end + 1)
}

/// How long the quoted text is that `rest` begins with. A doubled quote ends one and begins the next.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, sign) in rest.char_indices().skip(1) {
        match sign {
            _ if escaped => escaped = false,
            '\\' if quote != '`' => escaped = true,
            _ if sign == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::tokens;

    #[test]
    fn what_is_quoted_or_commented_out_is_no_word() {
        let text = "SELECT `rank`, 'it''s \\' rank' /* rank */ FROM t -- rank\nWHERE f(x)>=1 # rank";
        let expected = ["SELECT", "`", ",", "'", "'", "FROM", "t", "WHERE", "f", "(", "x", ")", ">", "=", "1"];
        assert_eq!(tokens(text), expected);
        for open in ["'never closed", "/* never closed", "æ`ø", "--"] {
            tokens(open);
        }
    }
}

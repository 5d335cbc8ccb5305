//! Names that stand for secrets; for the rules that ask.

use crate::playbook::mask;

/// Whether an input, an option or a variable of this name holds a secret. A name that states where one is kept
/// (`password_file`) does not.
pub(super) fn is_secret(name: &str) -> bool {
    let name = name.trim_start_matches('-').trim_start_matches(['"', '\'']).replace('-', "_").to_lowercase();
    let plain = !name.contains(['/', '{', '}', '<', '.']);
    plain && (mask::is_secret(&name) || ["token", "api_key", "apikey"].iter().any(|ending| name.ends_with(ending)))
}

#[cfg(test)]
mod tests {
    use super::is_secret;

    #[test]
    fn knows_names() {
        for name in ["--password", "MYSQL_PWD", "repl_password", "--api-key", "GH_TOKEN"] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["--password-file", "--defaults-extra-file", "max_fsync", "user", "of"] {
            assert!(!is_secret(name), "{name}");
        }
    }
}

//! Which tables are compared.

/// Patterns of names as `database.table`, in which `*` stands for anything.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'a> {
    /// Tables to compare; none means all.
    pub tables: &'a [String],
    /// Tables to leave out.
    pub exclude: &'a [String],
}

impl<'a> Scope<'a> {
    /// Whether the table called `database.table` is compared.
    pub fn includes(&self, name: &str) -> bool {
        (self.tables.is_empty() || self.tables.iter().any(|pattern| matches(pattern, name)))
            && !self.exclude.iter().any(|pattern| matches(pattern, name))
    }

    /// The same for a name that is spelt in small letters on one of the servers.
    pub fn includes_spelt(&self, name: &str, apart: bool) -> bool {
        if !apart {
            return self.includes(name);
        }
        let small = |patterns: &[String]| patterns.iter().map(|pattern| pattern.to_lowercase()).collect::<Vec<_>>();
        let (tables, exclude) = (small(self.tables), small(self.exclude));
        Scope { tables: &tables, exclude: &exclude }.includes(&name.to_lowercase())
    }

    /// Whether what belongs to no table is compared too: only where no tables were chosen.
    pub fn is_everything(&self) -> bool {
        self.tables.is_empty()
    }

    /// Patterns of `tables` that none of `names` fits: most likely misspelt.
    pub fn unmet(&self, names: &[String]) -> Vec<&'a str> {
        let met = |pattern: &&String| names.iter().any(|name| matches(pattern, name));
        self.tables.iter().filter(|pattern| !met(pattern)).map(String::as_str).collect()
    }
}

fn matches(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let Some(last) = pieces.next_back() else { return rest.is_empty() };
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::{Scope, matches};

    #[test]
    fn a_star_stands_for_anything() {
        assert!(matches("shop.orders", "shop.orders") && !matches("shop.orders", "shop.orders2"));
        assert!(
            matches("shop.*", "shop.orders") && matches("*.log*", "shop.log_2026") && !matches("*.log", "shop.logs")
        );
        assert!(matches("s*p.*a*s", "shop.accounts") && !matches("a*a", "a"));
    }

    #[test]
    fn a_name_that_fits_nothing_is_told() {
        let (tables, exclude) = (["shop.a".to_owned(), "shop.z*".to_owned()], ["shop.b".to_owned()]);
        let scope = Scope { tables: &tables, exclude: &exclude };
        assert!(scope.includes("shop.a") && !scope.includes("shop.b") && !scope.is_everything());
        assert_eq!(scope.unmet(&["shop.a".to_owned()]), ["shop.z*"]);
        let all = Scope { tables: &[], exclude: &exclude };
        assert!(all.includes("shop.a") && !all.includes("shop.b") && all.unmet(&[]).is_empty());
    }
}

//! Which servers fit: versions that clone one another, and plugins that both must have. Pure.

use super::super::CopyServer;
use super::super::settings::refuse;
use crate::dialect::Dialect;
use crate::dialect::clone::{INSTALL, PLUGIN};
use crate::domain::product::{Family, Version};
use crate::error::Failure;

/// The first release with the plugin.
const FIRST: Version = Version(8, 0, 17);
/// From this one on, releases of one series clone one another.
const ANY_RELEASE: Version = Version(8, 0, 37);

/// Why `target` cannot clone `source`, by what they are. The rules are those of the manual's page on the plugin's limits.
pub fn unfit(source: Dialect, target: Dialect) -> Option<String> {
    let (source, target) = (source.product, target.product);
    if let Some(other) = [source, target].into_iter().find(|product| product.family != Family::MySql) {
        return Some(format!("MySQL clones only MySQL, and one server is {other}"));
    }
    let series = |Version(major, minor, _): Version| (major, minor);
    let (from, to) = (source.version, target.version);
    if series(from) != series(to) {
        return Some(format!(
            "a server can only be cloned by a server of the same series: {target} is of another series than {source}"
        ));
    }
    let unnamed = |version: Version| version == Version(8, 0, 0);
    if unnamed(from) || unnamed(to) {
        let why = "releases before 8.0.37 clone only the same release, and the inventory does not state the release: \
                   state the full version";
        return Some(format!("{why} of both, such as `8.0.40`"));
    }
    if from < FIRST || to < FIRST {
        return Some(format!("servers before {FIRST} cannot clone"));
    }
    if from != to && (from < ANY_RELEASE || to < ANY_RELEASE) {
        return Some(format!("before {ANY_RELEASE}, a server clones only its own release: {source} is not {target}"));
    }
    None
}

/// Plugins of one server.
#[derive(Debug, Default)]
pub struct Plugins {
    /// Those that work.
    pub active: Vec<String>,
    /// Those that its own table loads, which a copy brings along.
    pub installed: Vec<String>,
    /// The component that keeps its keys.
    pub keyring: Vec<String>,
    /// Its `settings` in the inventory, which go into a rendered file.
    pub stated: Vec<(String, String)>,
}

impl Plugins {
    fn has(&self, plugin: &str) -> bool {
        self.active.iter().any(|active| active.eq_ignore_ascii_case(plugin))
    }
    /// Whether its configuration file will load the clone plugin.
    fn states_clone(&self) -> bool {
        let is_list = |name: &str| name.replace('-', "_").starts_with("plugin_load");
        self.stated.iter().any(|(name, value)| is_list(name) && value.contains("mysql_clone"))
    }
}

/// What is wrong with the plugins of both.
pub fn plugin_faults(copy: &CopyServer, source: &Plugins, target: &Plugins) -> Vec<Failure> {
    let mut failures = Vec::new();
    for (server, side) in [(copy.source(), source), (copy.target(), target)] {
        if !side.has(PLUGIN) {
            let help = format!(
                "{INSTALL}; to load it at every start, add `plugin_load_add = mysql_clone.so` to its configuration \
                 file, and to `settings` of a server whose file is rendered"
            );
            failures.push(refuse("the clone plugin is not active", server, &help));
        }
    }
    if !failures.is_empty() {
        return failures;
    }
    let by_table = |side: &Plugins| side.installed.iter().any(|name| name == PLUGIN);
    if by_table(target) && !by_table(source) && !target.states_clone() {
        let answer = "only its plugin table loads the clone plugin, and the copy replaces that table by the source's, \
                      which does not load it: the position of the copy could not be read";
        let help = "add `plugin_load_add: mysql_clone.so` to `settings` of this server in the inventory, and a \
                    `render` step before this step";
        failures.push(refuse(answer, copy.target(), help));
    }
    let lacking: Vec<&str> =
        source.active.iter().map(String::as_str).filter(|name| !name.is_empty() && !target.has(name)).collect();
    if !lacking.is_empty() {
        let answer = format!("these plugins are active on the source but not here: {}", lacking.join(", "));
        failures.push(refuse(answer, copy.target(), "install them: MySQL refuses the clone otherwise"));
    }
    if source.keyring != target.keyring {
        let said = |names: &[String]| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        let answer = format!(
            "its keyring component is {}, and that of the source is {}",
            said(&target.keyring),
            said(&source.keyring)
        );
        failures.push(refuse(answer, copy.target(), "use the same keyring component on both servers"));
    }
    failures
}

#[cfg(test)]
mod tests {
    use super::{Plugins, plugin_faults, unfit};
    use crate::dialect::Dialect;
    use crate::domain::product::Product;
    use crate::kinds::copy::copy_server::CopyServer;

    #[test]
    fn releases_that_clone_one_another() {
        for (from, to, fits) in [
            ("8.0.17", "8.0.17", true),
            ("8.0.16", "8.0.16", false),
            ("8.0.36", "8.0.36", true),
            ("8.0.36", "8.0.40", false),
            ("8.0.40", "8.0.36", false),
            ("8.0.37", "8.0.42", true),
            ("8.0.42-33", "8.0.37", true),
            ("8.0.42", "8.4.3", false),
            ("8.4.0", "8.4.7", true),
            ("9.7.0", "9.7.4", true),
            ("5.7.44", "5.7.44", false),
            ("8.0", "8.0", false),
            ("8.0", "8.0.40", false),
            ("8.4", "8.4.3", true),
            ("10.11.4-MariaDB", "10.11.4-MariaDB", false),
            ("8.0.40", "10.11.4-MariaDB", false),
        ] {
            let [source, target] = [from, to].map(|text| Dialect::from(Product::from_version_text(text).unwrap()));
            assert_eq!(unfit(source, target).is_none(), fits, "{from} {to}");
        }
    }

    fn plugins(active: &str, installed: &str, stated: &str) -> Plugins {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
        let stated = stated.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        Plugins {
            active: words(active),
            installed: words(installed),
            stated: stated.into_iter().collect(),
            keyring: Vec::new(),
        }
    }

    #[test]
    fn plugins_that_a_clone_takes() {
        let copy: CopyServer = serde_json::from_value(serde_json::json!({ "from": "a", "to": "b" })).unwrap();
        for (source, target, faults) in [
            (plugins("clone", "clone", ""), plugins("clone", "clone", ""), 0),
            (plugins("clone", "", ""), plugins("clone", "", ""), 0),
            (plugins("clone", "clone", ""), plugins("clone", "", ""), 0),
            (plugins("clone", "", ""), plugins("clone", "clone", ""), 1),
            (plugins("clone", "", ""), plugins("clone", "clone", "plugin-load-add=\"mysql_clone.so\""), 0),
            (plugins("", "", ""), plugins("", "", ""), 2),
            (plugins("clone audit_log", "clone", ""), plugins("clone", "clone", ""), 1),
            (plugins("clone", "clone", ""), plugins("clone audit_log", "clone", ""), 0),
        ] {
            assert_eq!(plugin_faults(&copy, &source, &target).len(), faults, "{source:?} {target:?}");
        }
    }
}

//! Schedules as the page shows them; their source is behind a trait.

use super::confirm;
use super::visitor::Visitor;
use crate::error::Result;
use crate::people::Right;
use crate::report::time::moment;
use maud::{Markup, html};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// A schedule, in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleRow {
    /// Its name.
    pub name: String,
    /// What it does, and with which playbook: `run swap.yaml`.
    pub action: String,
    /// Whether it touches live servers.
    pub is_real: bool,
    /// When it starts, as a cron expression.
    pub cron: String,
    /// The IANA time zone of that expression.
    pub time_zone: String,
    /// Its next start, in milliseconds since 1970; missing when there is none.
    pub next: Option<i64>,
    /// The decision when it was last due, in words.
    pub last_decision: Option<String>,
}

/// All schedules.
pub trait Schedules: Send + Sync {
    /// As they stand now, in the order of their file.
    ///
    /// # Errors
    /// When the journal cannot be read.
    fn rows(&self) -> Result<Vec<ScheduleRow>>;

    /// Starts a schedule now, at the request of the person of that name.
    ///
    /// # Errors
    /// When there is no such schedule, or it may not start now.
    fn start(&self, schedule: &str, person: &str) -> Result<()>;
}

/// The list.
pub(super) fn list(rows: &[ScheduleRow], visitor: &Visitor) -> Markup {
    html! {
        table.cards {
            thead { tr { th { "schedule" } th { "action" } th { "when" } th { "next start" } th { "last start" } th { span.hidden { "start" } } } }
            tbody {
                @for (number, row) in (1..).zip(rows) {
                    tr {
                        td data-label="schedule" { strong { (row.name) } }
                        td data-label="action" { (row.action) @if row.is_real { ", on " strong { "live servers" } } }
                        td data-label="when" { code { (row.cron) } " " (row.time_zone) }
                        td data-label="next start" { (row.next.map_or("never".to_owned(), moment)) }
                        td data-label="last start" { (row.last_decision.as_deref().unwrap_or("none yet")) }
                        td {
                            @if visitor.may(Right::Start) {
                                (start(row, number, visitor))
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Starting a schedule needs its name typed, so that nobody does it by accident.
fn start(row: &ScheduleRow, number: usize, visitor: &Visitor) -> Markup {
    let label = html! { "Type " strong { (row.name) } " to start " (row.action) " now" };
    html! {
        details.start-now id={ "start-" (number) } {
            summary { "Start now …" span.hidden { " " (row.name) } }
            form method="post" action={ "/schedules/" (segment(&row.name)) "/start" } {
                input type="hidden" name="form_key" value=(visitor.form_key());
                (confirm::keep_enter())
                (confirm::field(&format!("confirm-start-{number}"), &label, &pattern(&row.name)))
                button { "Start" span.hidden { " " (row.name) } }
            }
        }
    }
}

/// A name as a pattern for the browser, which matches exactly that name.
fn pattern(name: &str) -> String {
    let mut out = "\\s*".to_owned();
    for letter in name.chars() {
        if "^$\\.*+?()[]{}|/".contains(letter) {
            out.push('\\');
        }
        out.push(letter);
    }
    out + "\\s*"
}

/// Characters that are not escaped in a part of an address: RFC 3986, section 2.3.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// `text` as one part of an address.
pub(super) fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_is_one_part_of_an_address() {
        assert_eq!(super::segment("a b/ø"), "a%20b%2F%C3%B8");
    }
}

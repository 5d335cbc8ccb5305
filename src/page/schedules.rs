//! Schedules as the page sees them. Who keeps them stands behind a trait.

use super::visitor::Visitor;
use crate::error::Result;
use crate::people::Right;
use crate::report::time::moment;
use maud::{Markup, html};
use std::fmt::Write as _;

/// A schedule, in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleRow {
    /// Its name.
    pub name: String,
    /// When it starts, as a cron expression.
    pub cron: String,
    /// The IANA time zone of that expression.
    pub time_zone: String,
    /// Its next start, in milliseconds since 1970; missing, when there is none.
    pub next: Option<i64>,
    /// What was decided when it was due the last time, in words.
    pub last_decision: Option<String>,
}

/// All schedules.
pub trait Schedules: Send + Sync {
    /// As they stand now, in the order of their file.
    ///
    /// # Errors
    /// When the journal cannot be read.
    fn rows(&self) -> Result<Vec<ScheduleRow>>;

    /// Starts what a schedule names, now, because a person of that name asks for it.
    ///
    /// # Errors
    /// When there is no such schedule, or it may not start now.
    fn start(&self, schedule: &str, person: &str) -> Result<()>;
}

/// The list.
pub(super) fn list(rows: &[ScheduleRow], visitor: &Visitor) -> Markup {
    html! {
        table.cards {
            thead { tr { th { "schedule" } th { "when" } th { "next start" } th { "last time" } th { span.hidden { "start" } } } }
            tbody {
                @for row in rows {
                    tr {
                        td data-label="schedule" { strong { (row.name) } }
                        td data-label="when" { code { (row.cron) } " " (row.time_zone) }
                        td data-label="next start" { (row.next.map_or("never".to_owned(), moment)) }
                        td data-label="last time" { (row.last_decision.as_deref().unwrap_or("not yet")) }
                        td {
                            @if visitor.may(Right::Start) {
                                form method="post" action={ "/schedules/" (segment(&row.name)) "/start" } {
                                    input type="hidden" name="form_key" value=(visitor.form_key());
                                    button { "Start now" span.hidden { " " (row.name) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// `text` as one part of an address.
pub(super) fn segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}"); // writing into a String cannot fail
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_is_one_part_of_an_address() {
        assert_eq!(super::segment("a b/ø"), "a%20b%2F%C3%B8");
    }
}

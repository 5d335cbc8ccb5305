//! Words that every room shares: texts of typed parts, for each place that they are sent to.
//!
//! Nothing here knows a server, a host or a document. What is shown to people and what is sent are two renderings of one
//! value, and no function leads from the first to the second.

mod action;
mod admits;
pub mod contents;
pub mod endpoint;
mod folder;
pub mod marker;
mod ours;
mod permits;
pub mod product;
pub mod script;
pub mod secret;
mod sent;
mod shown;
pub mod sql;
mod statement;
mod text;
pub mod units;
mod visible;
mod words;

pub use action::{Action, On};
pub use contents::Contents;
pub use folder::folder_of;
pub use ours::Ours;
pub use permits::Permits;
pub use script::Script;
pub use sent::{Backslash, Lookup, escaped};
pub use sql::Sql;
pub use statement::{Odd, Statement};
pub use text::{Form, Part, Text, holes};
pub use visible::{coloured, on_one_line, visible, visible_json};
pub use words::{Piece, Private, Words};

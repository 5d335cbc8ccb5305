//! Words that every room shares: texts of typed parts, for each place that they are sent to.
//!
//! Nothing here knows a server, a host or a document. What is shown to people and what is sent are two renderings of one
//! value, and no function leads from the first to the second.

mod admits;
pub mod endpoint;
mod permits;
pub mod product;
pub mod secret;
mod sent;
mod shown;
pub mod sql;
mod statement;
mod text;
pub mod units;
mod words;

pub use permits::Permits;
pub use sent::{Backslash, Lookup, escaped};
pub use sql::Sql;
pub use statement::{Odd, Statement};
pub use text::{Form, Part, Text, holes};
pub use words::{Piece, Private, Words};

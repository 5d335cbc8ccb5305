//! One SQL connection, owned by its own task.
//!
//! A statement's future is never dropped half-way, because the driver would then hand its answer to the next
//! statement: callers come and go, the task stays. Only this module holds a `Conn`.

mod connect;
mod cover;
mod cursor;
mod driver;
mod error;
mod gather;
mod greeting;
mod guard;
mod line;
mod refusal;
mod rows;
mod session;
mod settings;
mod stand_in;

pub use connect::Login;
pub use cover::{Cover, Tls};
pub use error::SqlError;
pub(super) use error::is_transient;
pub use greeting::{Greeting, greeting};
pub use rows::{Row, Rows};
pub use session::Session;
pub use settings::{AFTER_END, INIT, end_statement};
pub use stand_in::ServerError;

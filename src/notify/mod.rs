//! Notifications: webhooks are told what becomes of a run.
//!
//! What is told follows from the journal (`letters`), waits in the outbox beside it, and is sent from there with
//! retries (`sender`), by a thread beside the runner (`postman`), by `cutover outbox send` or by a server. No run waits
//! for a receiver, and none fails because of one.
//!
//! Every message is sent until a receiver has answered with success, and not again. Between that answer and the note of
//! it a process may die, and then the message is sent once more: no sender can exclude that. So every message carries
//! an `Idempotency-Key`, the same each time, by which a receiver knows it.
//!
//! May know the journal, the plan, and secrets by reference; no step, no engine, no display.

mod http;
mod late;
mod letters;
mod message;
mod postman;
mod sender;
mod watched;

pub use late::{Late, late};
pub use letters::{collect, concerns};
pub use postman::Postman;
pub use sender::{REST, Round, Sender};
pub use watched::{Watched, origin, watched};

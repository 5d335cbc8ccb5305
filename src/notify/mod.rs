//! Notifications about runs, sent to webhooks.
//!
//! Messages are made from the journal (`letters`), wait in the outbox beside it, and are sent from there with retries
//! (`sender`): by a thread beside the runner (`postman`), by `cutover outbox send` or by `cutover serve`. No run waits for a
//! receiver, and none fails because of one.
//!
//! Every message is sent until a receiver has answered with success. If the process dies between that answer and its
//! record, the message is sent once more: no sender can exclude that. So every message carries an `Idempotency-Key`, the
//! same each time, by which a receiver can recognise it.
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

//! A run that is killed, interrupted, asked, taken back: through the program itself, on a small sandbox.

mod interrupted;
mod killed;
mod stage;

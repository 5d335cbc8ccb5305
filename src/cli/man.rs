//! `cutover man`

use crate::error::exit;

/// Prints the manual page in roff.
pub fn run(command: clap::Command) -> u8 {
    match clap_mangen::Man::new(command).render(&mut std::io::stdout()) {
        Ok(()) => exit::DONE,
        Err(_) => exit::INVALID,
    }
}

//! Random numbers from the operating system.

use crate::error::{Failure, Result};

/// `digits` random hexadecimal digits, 64 at most: 4 bits each.
///
/// # Errors
/// When the operating system gives none.
pub fn hex(digits: usize) -> Result<String> {
    let mut bytes = [0; blake3::OUT_LEN];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::permanent("get random numbers from the operating system", error.to_string()))?;
    Ok(blake3::Hash::from_bytes(bytes).to_hex().chars().take(digits).collect())
}

#[cfg(test)]
mod tests {
    #[test]
    fn there_are_as_many_digits_as_asked_for_and_never_the_same() {
        let (one, other) = (super::hex(24).unwrap(), super::hex(24).unwrap());
        assert!(one.len() == 24 && one.bytes().all(|digit| digit.is_ascii_hexdigit()) && one != other);
    }
}

//! Messages of programs and servers about temporary problems: a disk that is full for a moment, a machine that cannot
//! start another process. Pure.

/// The messages of systems then, in the C locale.
const SIGNS: [&str; 7] = [
    "No space left on device",
    "Disk quota exceeded",
    "Errcode: 28",
    "errno: 28",
    "Got error 28 from storage engine",
    "Resource temporarily unavailable",
    "Cannot allocate memory",
];

/// Whether `words` mention something temporary.
pub fn passes(words: &str) -> bool {
    SIGNS.iter().any(|sign| words.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::passes;

    #[test]
    fn a_full_disk_passes_and_a_missing_folder_does_not() {
        assert!(passes("cat: write error: No space left on device"));
        assert!(passes("ERROR 3 (HY000): Error writing file './binlog.000001' (Errcode: 28 \"No space\")"));
        assert!(!passes("cp: cannot create regular file: No such file or directory") && !passes(""));
    }
}

//! How long data will take to move, by assumed rates. Nothing is measured but the amount.

/// Bytes of data and indexes that a dump program reads in a second from a server that serves others meanwhile.
pub const DUMP: u64 = 60 << 20;
/// Bytes of data and indexes that a server loads in a second.
pub const IMPORT: u64 = 20 << 20;
/// Ratio of data and indexes to their compressed dump.
pub const SMALLER: u64 = 5;

/// Bytes of a server's files that go from host to host in a second, prepared and started at the end.
pub const FILES: u64 = 100 << 20;
/// Bytes of data and indexes that several threads dump and load in a second.
pub const PARALLEL: u64 = 40 << 20;

/// Bytes a second that an engine of `copy` is assumed to bring where nothing was measured.
#[must_use]
pub fn assumed_rate(engine: &str) -> u64 {
    match engine {
        "dump" => IMPORT,
        "mydumper" => PARALLEL,
        _ => FILES,
    }
}

/// Seconds that the dump takes.
#[must_use]
pub fn dump_seconds(data_bytes: u64) -> u64 {
    data_bytes / DUMP + 1
}

/// Seconds that the import takes.
#[must_use]
pub fn import_seconds(data_bytes: u64) -> u64 {
    data_bytes / IMPORT + 1
}

/// Bytes that the dump takes, compressed.
#[must_use]
pub fn dump_bytes(data_bytes: u64) -> u64 {
    data_bytes / SMALLER
}

//! How large a server's memory and threads are made, from what is known of the machine. Pure arithmetic.

use super::inventory::Facts;
use serde::{Deserialize, Serialize};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
/// A buffer pool grows in such chunks; any other size would be rounded up by the server, past the share meant for it.
const CHUNK: u64 = 128 * MIB;

/// Sizes for one server, as written into its configuration file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizing {
    /// `innodb_buffer_pool_size` in bytes.
    pub buffer_pool: u64,
    /// `innodb_buffer_pool_instances`, where the server has it: divides the pool into whole chunks.
    pub buffer_pool_instances: u64,
    /// Redo log in bytes, all files together.
    pub redo_log: u64,
    /// Threads that read, and as many that write.
    pub io_threads: u32,
    /// Threads that apply replicated changes.
    pub replica_workers: u32,
}

impl Sizing {
    /// Sizes for a machine that the server has to itself.
    ///
    /// Buffer pool: 75 % of memory from 2 GiB on, 50 % from 1 GiB on, else the server's own 128 MiB. Redo log: a
    /// quarter of the pool, between 256 MiB and 16 GiB, so that a load does not wait for checkpoints.
    #[must_use]
    pub fn of(facts: Facts) -> Self {
        let memory = facts.memory.0;
        let share = match memory {
            0..GIB => 0,
            GIB..0x8000_0000 => memory / 2,
            _ => memory / 4 * 3,
        };
        let buffer_pool = (share / CHUNK * CHUNK).max(CHUNK);
        let redo_log = (buffer_pool / 4).clamp(256 * MIB, 16 * GIB) / (64 * MIB) * (64 * MIB);
        Self {
            buffer_pool,
            buffer_pool_instances: instances(buffer_pool),
            redo_log,
            io_threads: facts.cpus.clamp(4, 16),
            replica_workers: facts.cpus.clamp(2, 16),
        }
    }
}

/// As many as 8, each of at least 1 GiB and of whole chunks.
fn instances(pool: u64) -> u64 {
    [8, 4, 2].into_iter().find(|n| pool >= n * GIB && pool.is_multiple_of(n * CHUNK)).unwrap_or(1)
}

/// Bytes as an option file writes them: `24G`, `1536M`.
#[must_use]
pub fn size_text(bytes: u64) -> String {
    match bytes {
        0 => "0".into(),
        n if n.is_multiple_of(GIB) => format!("{}G", n / GIB),
        n if n.is_multiple_of(MIB) => format!("{}M", n / MIB),
        n => n.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{GIB, MIB, Sizing, size_text};
    use crate::domain::units::Bytes;
    use crate::playbook::inventory::Facts;

    fn of(memory: u64, cpus: u32) -> Sizing {
        Sizing::of(Facts { memory: Bytes(memory), cpus })
    }

    #[test]
    fn three_quarters_of_memory_and_less_on_small_machines() {
        for (memory, pool) in [
            (512 * MIB, "128M"),
            (GIB, "512M"),
            (2 * GIB, "1536M"),
            (4 * GIB, "3G"),
            (10 * GIB, "7680M"),
            (32 * GIB, "24G"),
        ] {
            assert_eq!(size_text(of(memory, 2).buffer_pool), pool);
        }
    }

    #[test]
    fn the_pool_always_divides_into_whole_chunks() {
        for memory in (1..600).map(|n| n * 333 * MIB) {
            let sizing = of(memory, 4);
            assert_eq!(sizing.buffer_pool % (sizing.buffer_pool_instances * 128 * MIB), 0);
            assert!(sizing.buffer_pool <= (memory / 4 * 3).max(128 * MIB));
        }
        assert_eq!(of(32 * GIB, 8).buffer_pool_instances, 8);
    }

    #[test]
    fn redo_and_threads_stay_within_bounds() {
        assert_eq!(size_text(of(GIB, 1).redo_log), "256M");
        assert_eq!(size_text(of(32 * GIB, 1).redo_log), "6G");
        assert_eq!(size_text(of(512 * GIB, 1).redo_log), "16G");
        assert_eq!([1, 8, 64].map(|cpus| of(GIB, cpus).io_threads), [4, 8, 16]);
        assert_eq!([1, 8, 64].map(|cpus| of(GIB, cpus).replica_workers), [2, 8, 16]);
    }
}

//! How long the data will take. Nothing is measured but the amount: the rates are assumptions, and said to be.

use super::{Forecast, StepFound};
use crate::playbook::units::Bytes;
use crate::steps::Finding;

/// Bytes of data and indexes that a dump program reads in a second from a server that serves others meanwhile.
const DUMP: u64 = 60 << 20;
/// Bytes of data and indexes that a server loads in a second.
const IMPORT: u64 = 20 << 20;
/// Data and indexes are so many times as large as the dump of them, compressed.
const SMALLER: u64 = 5;

/// The forecast, where some step reads data.
pub fn forecast(steps: &[StepFound]) -> Option<Forecast> {
    let volumes = steps.iter().flat_map(|step| &step.findings).filter_map(|finding| match finding {
        Finding::Volume(volume) => Some(volume.bytes),
        _ => None,
    });
    let data_bytes = volumes.reduce(u64::saturating_add)?;
    let (dump, import) = (Bytes(DUMP), Bytes(IMPORT));
    Some(Forecast {
        data_bytes,
        dump_bytes: data_bytes / SMALLER,
        dump_seconds: data_bytes / DUMP + 1,
        import_seconds: data_bytes / IMPORT + 1,
        assumptions: vec![
            "the size is the server's own estimate, indexes included".to_owned(),
            format!("the dump reads {dump} of that a second and is a {SMALLER}th of it, compressed"),
            format!("the import loads {import} of that a second; a rehearsal on the same disks tells better"),
        ],
    })
}

//! How long the data will take. Nothing is measured but the amount: the rates are assumptions, and said to be.

use super::{Forecast, StepFound};
use crate::domain::units::Bytes;
use crate::kinds::Finding;
use crate::playbook::forecast::{DUMP, IMPORT, SMALLER, dump_bytes, dump_seconds, import_seconds};

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
        dump_bytes: dump_bytes(data_bytes),
        dump_seconds: dump_seconds(data_bytes),
        import_seconds: import_seconds(data_bytes),
        assumptions: vec![
            "the size is the server's own estimate, indexes included".to_owned(),
            format!("the dump reads {dump} of that a second and is a {SMALLER}th of it, compressed"),
            format!("the import loads {import} of that a second; a rehearsal on the same disks tells better"),
        ],
    })
}

//! Where a copy stands. Backup programs note it as `FILE<TAB>POSITION[<TAB>GTIDS]`. Pure.
//!
//! The files of the same name with `_pos_innodb` know nothing of what other engines have done since (513 bytes less, seen
//! with `MariaDB` 10.11.19), and are never read.

use crate::playbook::position::Position;
use serde::{Deserialize, Serialize};

/// A copy's place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// In the source's binary log.
    pub position: Position,
    /// The GTIDs that it holds; empty where none were written.
    pub gtid: String,
}

impl Place {
    /// Reads what a backup program has noted. A set of GTIDs may go over several lines.
    ///
    /// # Errors
    /// What is wrong with `text`, in words.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        let (Some(file), Some(offset)) = (words.next(), words.next()) else {
            return Err("its file contains no position".to_owned());
        };
        let offset: u64 = offset.parse().map_err(|_| "its file contains no position")?;
        Ok(Self { position: Position::new(file, offset), gtid: words.collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::Place;
    use crate::playbook::position::Position;

    #[test]
    fn the_place_with_gtids_and_without() {
        let read = |text| Place::read(text).unwrap();
        let place = read("binlog.000001\t1250\t0-1-6\n");
        assert_eq!((place.position, place.gtid.as_str()), (Position::new("binlog.000001", 1250), "0-1-6"));
        assert_eq!(read("b.000002\t4\n").gtid, "");
        // as XtraBackup writes a long set (its documentation: xtrabackup_binlog_info)
        let set = read(
            "binlog.000007\t197\t3E11FA47-71CA-11E1-9E33-C80AA9429562:1-5,\n4E11FA47-71CA-11E1-9E33-C80AA9429562:1-9\n",
        );
        assert_eq!(set.gtid, "3E11FA47-71CA-11E1-9E33-C80AA9429562:1-5,4E11FA47-71CA-11E1-9E33-C80AA9429562:1-9");
        assert!(Place::read("").is_err() && Place::read("binlog.000001").is_err());
        assert!(Place::read("binlog.000001 x").is_err());
    }
}

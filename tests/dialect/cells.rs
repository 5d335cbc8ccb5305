//! The rulebook's matrix, cell by cell: what is needed, by which versions it is said how, and who says so.
//!
//! Sources: `WLn` a MySQL worklog, "8.4 notes" the release notes of 8.4.0, "manual x" the reference manual of MySQL x, MDB
//! the documentation of MariaDB, MDEV-n one of its issues, M-n a measurement on a real server (MariaDB 10.11, MySQL 9.7).

use crate::{mariadb, mysql, to};
use cutover::dialect::{ChangeSource, Dialect, Gtid, StartAt};

/// Every version that the tool promises, the oldest of the two families first.
const VERSIONS: [&str; 11] = [
    "mysql 5.7",
    "mysql 8.0.21",
    "mysql 8.0.22",
    "mysql 8.0.26",
    "mysql 8.4",
    "mysql 9.7",
    "mariadb 10.4",
    "mariadb 10.6",
    "mariadb 10.11",
    "mariadb 11.4",
    "mariadb 11.8",
];

/// A need, how it is said, and the cells: versions from one to another, the words, the source.
struct Need {
    what: &'static str,
    say: fn(Dialect) -> String,
    cells: &'static [(&'static str, &'static str, &'static str, &'static str)],
}

fn gtid(d: Dialect) -> String {
    d.change_source(&ChangeSource { start: StartAt::Gtid, ..to("3307") }).to_string()
}

const NEEDS: &[Need] = &[
    Need {
        what: "set the source",
        say: |d| d.change_source(&to("3307")).to_string().split(" = ").next().unwrap().to_owned(),
        cells: &[
            ("mysql 5.7", "mysql 8.0.22", "CHANGE MASTER TO MASTER_HOST", "WL14189: the new words came with 8.0.23"),
            (
                "mysql 8.0.26",
                "mysql 9.7",
                "CHANGE REPLICATION SOURCE TO SOURCE_HOST",
                "8.4 notes: the old are gone; M3",
            ),
            ("mariadb 10.4", "mariadb 11.8", "CHANGE MASTER TO MASTER_HOST", "MDB change-master-to"),
        ],
    },
    Need {
        what: "start",
        say: |d| d.start_replica().to_string(),
        cells: &[
            ("mysql 5.7", "mysql 8.0.21", "START SLAVE", "manual 8.0: REPLICA since 8.0.22"),
            ("mysql 8.0.22", "mysql 9.7", "START REPLICA", "8.4 notes: SLAVE is gone"),
            ("mariadb 10.4", "mariadb 11.8", "START SLAVE", "MDB start-replica: REPLICA is an alias since 10.5.1"),
        ],
    },
    Need {
        what: "stop",
        say: |d| d.stop_replica().to_string(),
        cells: &[
            ("mysql 5.7", "mysql 8.0.21", "STOP SLAVE", "manual 8.0"),
            ("mysql 8.0.22", "mysql 9.7", "STOP REPLICA", "8.4 notes"),
            ("mariadb 10.4", "mariadb 11.8", "STOP SLAVE", "MDB stop-replica"),
        ],
    },
    Need {
        what: "forget the channel",
        say: |d| d.reset_replica_all().to_string(),
        cells: &[
            ("mysql 5.7", "mysql 8.0.21", "RESET SLAVE ALL", "manual 8.0"),
            ("mysql 8.0.22", "mysql 9.7", "RESET REPLICA ALL", "8.4 notes"),
            ("mariadb 10.4", "mariadb 11.8", "RESET SLAVE ALL", "MDB reset-replica"),
        ],
    },
    Need {
        what: "status of the replica",
        say: |d| d.replica_status().to_string(),
        cells: &[
            ("mysql 5.7", "mysql 8.0.21", "SHOW SLAVE STATUS", "manual 8.0"),
            ("mysql 8.0.22", "mysql 9.7", "SHOW REPLICA STATUS", "8.4 notes; M3: 9.7 answers 1064 to the old words"),
            ("mariadb 10.4", "mariadb 11.8", "SHOW SLAVE STATUS", "MDB show-replica-status"),
        ],
    },
    Need {
        what: "column of the applied file",
        say: |d| d.status_columns().exec_file.to_owned(),
        cells: &[
            ("mysql 5.7", "mysql 8.0.21", "Relay_Master_Log_File", "manual 8.0"),
            ("mysql 8.0.22", "mysql 9.7", "Relay_Source_Log_File", "manual 8.0: columns go with the statement"),
            ("mariadb 10.4", "mariadb 11.8", "Relay_Master_Log_File", "MDB: columns keep their names under the alias"),
        ],
    },
    Need {
        what: "column of the applied offset",
        say: |d| d.status_columns().exec_pos.to_owned(),
        cells: &[
            ("mysql 5.7", "mysql 8.0.21", "Exec_Master_Log_Pos", "manual 8.0"),
            ("mysql 8.0.22", "mysql 9.7", "Exec_Source_Log_Pos", "manual 8.0"),
            ("mariadb 10.4", "mariadb 11.8", "Exec_Master_Log_Pos", "MDB show-replica-status"),
        ],
    },
    Need {
        what: "column of the receiver",
        say: |d| d.status_columns().io_running.to_owned(),
        cells: &[
            ("mysql 5.7", "mysql 8.0.21", "Slave_IO_Running", "manual 8.0"),
            ("mysql 8.0.22", "mysql 9.7", "Replica_IO_Running", "manual 8.0"),
            ("mariadb 10.4", "mariadb 11.8", "Slave_IO_Running", "MDB show-replica-status"),
        ],
    },
    Need {
        what: "own position",
        say: |d| d.binlog_position().to_owned(),
        cells: &[
            ("mysql 5.7", "mysql 8.0.26", "SHOW MASTER STATUS", "manual 8.2: the new statement came with 8.2.0"),
            ("mysql 8.4", "mysql 9.7", "SHOW BINARY LOG STATUS", "8.4 notes: the old one is gone; M3"),
            ("mariadb 10.4", "mariadb 11.8", "SHOW MASTER STATUS", "MDB show-binlog-status"),
        ],
    },
    Need {
        what: "own GTIDs",
        say: |d| d.gtid_position().to_owned(),
        cells: &[
            ("mysql 5.7", "mysql 9.7", "SELECT @@GLOBAL.gtid_executed", "manual 5.7"),
            ("mariadb 10.4", "mariadb 11.8", "SELECT @@GLOBAL.gtid_binlog_pos", "MDB gtid"),
        ],
    },
    Need {
        what: "forget the binary logs",
        say: |d| d.reset_binary_logs().to_owned(),
        cells: &[
            ("mysql 5.7", "mysql 8.0.26", "RESET MASTER", "manual 8.0"),
            ("mysql 8.4", "mysql 9.7", "RESET BINARY LOGS AND GTIDS", "8.4 notes: since 8.2"),
            ("mariadb 10.4", "mariadb 11.8", "RESET MASTER", "MDB reset-master"),
        ],
    },
    Need {
        what: "wait for a position",
        say: |d| d.wait_for_position("b.4", "543", 1).to_string(),
        cells: &[
            ("mysql 5.7", "mysql 8.0.22", "SELECT MASTER_POS_WAIT('b.4', 543, 1)", "manual 8.0"),
            ("mysql 8.0.26", "mysql 9.7", "SELECT SOURCE_POS_WAIT('b.4', 543, 1)", "manual 8.0: since 8.0.26; M3"),
            ("mariadb 10.4", "mariadb 11.8", "SELECT MASTER_POS_WAIT('b.4', 543, 1)", "MDB master_pos_wait"),
        ],
    },
    Need {
        what: "wait for GTIDs",
        say: |d| d.wait_for_gtid("set", 1).to_string(),
        cells: &[
            ("mysql 5.7", "mysql 9.7", "SELECT WAIT_FOR_EXECUTED_GTID_SET('set', 1)", "WL7796: since 5.7.5"),
            ("mariadb 10.4", "mariadb 11.8", "SELECT MASTER_GTID_WAIT('set', 1)", "MDB master_gtid_wait"),
        ],
    },
    Need {
        what: "begin after a GTID set",
        say: |d| d.set_gtid_start("set").to_string(),
        cells: &[
            ("mysql 5.7", "mysql 5.7", "SET GLOBAL gtid_purged = 'set'", "manual 5.7: gtid_executed must be empty"),
            ("mysql 8.0.21", "mysql 9.7", "SET GLOBAL gtid_purged = '+set'", "manual 8.0: + adds to what is there"),
            ("mariadb 10.4", "mariadb 11.8", "SET GLOBAL gtid_slave_pos = 'set'", "MDB gtid"),
        ],
    },
    Need {
        what: "follow GTIDs",
        say: |d| gtid(d).split(", ").find(|part| part.contains("GTID") || part.contains("AUTO")).unwrap().to_owned(),
        cells: &[
            ("mysql 5.7", "mysql 8.0.22", "MASTER_AUTO_POSITION = 1", "manual 5.7"),
            ("mysql 8.0.26", "mysql 9.7", "SOURCE_AUTO_POSITION = 1", "WL14189"),
            ("mariadb 10.4", "mariadb 11.8", "MASTER_USE_GTID = slave_pos", "MDB change-master-to: never current_pos"),
        ],
    },
    Need {
        what: "log in without TLS by caching_sha2_password",
        say: |d| {
            d.change_source(&to("1"))
                .to_string()
                .split(", ")
                .find(|part| part.contains("PUBLIC_KEY"))
                .unwrap_or("-")
                .to_owned()
        },
        cells: &[
            ("mysql 5.7", "mysql 5.7", "-", "manual 5.7: the plugin came with 8.0.4"),
            ("mysql 8.0.21", "mysql 8.0.22", "GET_MASTER_PUBLIC_KEY = 1", "manual 8.0"),
            ("mysql 8.0.26", "mysql 9.7", "GET_SOURCE_PUBLIC_KEY = 1", "WL14189"),
            ("mariadb 10.4", "mariadb 11.8", "-", "MDB change-master-to knows no such option"),
        ],
    },
    Need {
        what: "encryption of the channel, always stated",
        say: |d| {
            d.change_source(&to("1")).to_string().split(", ").find(|part| part.contains("_SSL =")).unwrap().to_owned()
        },
        cells: &[
            ("mysql 5.7", "mysql 8.0.22", "MASTER_SSL = 0", "manual 5.7"),
            ("mysql 8.0.26", "mysql 9.7", "SOURCE_SSL = 0", "M2: 9.7 insists on TLS unless told otherwise"),
            ("mariadb 10.4", "mariadb 11.8", "MASTER_SSL = 0", "MDB: 11.4 insists on TLS unless told otherwise"),
        ],
    },
    Need {
        what: "patience of the channel",
        say: |d| {
            d.change_source(&to("1"))
                .to_string()
                .split(", ")
                .find(|part| part.contains("RETRY_COUNT"))
                .unwrap_or("-")
                .to_owned()
        },
        cells: &[
            ("mysql 5.7", "mysql 8.0.22", "MASTER_RETRY_COUNT = 500000", "manual 5.7"),
            ("mysql 8.0.26", "mysql 9.7", "SOURCE_RETRY_COUNT = 500000", "WL14189"),
            ("mariadb 10.4", "mariadb 11.8", "-", "MDB change-master-to: an option of the statement since 12.0.1"),
        ],
    },
    Need {
        what: "shut out administrators",
        say: |d| d.strongest_fence().close.to_owned(),
        cells: &[
            ("mysql 5.7", "mysql 9.7", "SET GLOBAL super_read_only = ON", "WL6799: since 5.7.8"),
            (
                "mariadb 10.4",
                "mariadb 11.8",
                "FLUSH TABLES WITH READ LOCK",
                "MDB read_only: NO_LOCK_NO_ADMIN since 12.0",
            ),
        ],
    },
    Need {
        what: "coordinates in a dump, by a program that knows no newer word",
        say: |d| {
            let fixed = d.dump_flags().into_iter().find(|flag| flag.ends_with("-data=2"));
            let chosen = || d.dump_flags_by_program(Gtid::Off).into_iter().map(|[_, _, otherwise]| otherwise);
            fixed.unwrap_or_else(|| chosen().find(|flag| flag.ends_with("-data=2")).unwrap()).to_owned()
        },
        cells: &[
            ("mysql 5.7", "mysql 9.7", "--master-data=2", "manual 8.0; M3: 9.7 still takes it"),
            ("mariadb 10.4", "mariadb 11.8", "--master-data=2", "MDB mariadb-dump"),
        ],
    },
    Need {
        what: "GTIDs in a dump, by a program that knows the newest word",
        say: |d| {
            let chosen = d.dump_flags_by_program(Gtid::Required).into_iter().find(|[_, flag, _]| flag.contains("gtid"));
            chosen.map_or("-", |[_, flag, _]| flag).to_owned()
        },
        cells: &[
            ("mysql 5.7", "mysql 9.7", "--set-gtid-purged=COMMENTED", "manual 8.0: since 8.0.17"),
            ("mariadb 10.4", "mariadb 11.8", "-", "MDB binlog_gtid_pos: the server is asked"),
        ],
    },
    Need {
        what: "time without news",
        say: |d| d.replica_net_timeout().to_owned(),
        cells: &[
            ("mysql 5.7", "mysql 8.0.22", "slave_net_timeout", "manual 8.0"),
            ("mysql 8.0.26", "mysql 9.7", "replica_net_timeout", "manual 8.0: since 8.0.26; M1"),
            ("mariadb 10.4", "mariadb 11.8", "slave_net_timeout", "MDB system variables"),
        ],
    },
    Need {
        what: "parallel appliers",
        say: |d| d.replica_workers().to_owned(),
        cells: &[
            ("mysql 5.7", "mysql 8.0.22", "slave_parallel_workers", "manual 8.0"),
            ("mysql 8.0.26", "mysql 9.7", "replica_parallel_workers", "manual 8.0: since 8.0.26"),
            ("mariadb 10.4", "mariadb 11.8", "slave_parallel_threads", "MDB parallel replication"),
        ],
    },
    Need {
        what: "lateness of the applied position",
        say: |d| d.checkpoint_period().unwrap_or("-").to_owned(),
        cells: &[
            ("mysql 5.7", "mysql 8.0.22", "slave_checkpoint_period", "manual 8.0"),
            ("mysql 8.0.26", "mysql 9.7", "replica_checkpoint_period", "M14: 300 ms late unless set to 1"),
            ("mariadb 10.4", "mariadb 11.8", "-", "M12: the position moves with each commit"),
        ],
    },
    Need {
        what: "variables that outlive the file",
        say: |d| d.persisted_variables(&["a"]).map_or("-", |_| "persisted_variables").to_owned(),
        cells: &[
            ("mysql 5.7", "mysql 5.7", "-", "manual 8.0: SET PERSIST came with 8.0"),
            ("mysql 8.0.21", "mysql 9.7", "persisted_variables", "manual 8.0: mysqld-auto.cnf overrides my.cnf"),
            ("mariadb 10.4", "mariadb 11.8", "-", "MDB: there is no SET PERSIST"),
        ],
    },
    Need {
        what: "program that dumps",
        say: |d| d.dump_programs()[0].to_owned(),
        cells: &[
            ("mysql 5.7", "mysql 9.7", "mysqldump", "manual 5.7"),
            ("mariadb 10.4", "mariadb 11.8", "mariadb-dump", "MDB mariadb-dump"),
        ],
    },
];

fn dialect(name: &str) -> Dialect {
    match name.split_once(' ').unwrap() {
        ("mysql", version) => mysql(version),
        (_, version) => mariadb(version),
    }
}

#[test]
fn every_cell_of_the_matrix() {
    let number = |name: &str| VERSIONS.iter().position(|version| *version == name).unwrap();
    for need in NEEDS {
        let mut covered = Vec::new();
        for (from, to, words, source) in need.cells {
            for version in &VERSIONS[number(from)..=number(to)] {
                assert_eq!((need.say)(dialect(version)), *words, "{} on {version} ({source})", need.what);
                covered.push(*version);
            }
        }
        assert_eq!(covered, VERSIONS, "{}: each version has one cell", need.what);
    }
}

//! Names of the columns of a replica's status row. Looked up by name: their order differs between versions.

use super::Dialect;

/// Column names of [`Dialect::replica_status`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusColumns {
    /// `Yes`, `No`, `Connecting` or `Preparing`; only `Yes` is healthy.
    pub io_running: &'static str,
    /// `Yes` or `No`.
    pub sql_running: &'static str,
    /// What the receiver is doing.
    pub io_state: &'static str,
    /// Seconds between the applier and the receiver; ignores what was not received.
    pub seconds_behind: &'static str,
    /// File of the source that the applier has reached.
    pub exec_file: &'static str,
    /// Offset in it.
    pub exec_pos: &'static str,
    /// File of the source that the receiver has reached.
    pub read_file: &'static str,
    /// Offset in it.
    pub read_pos: &'static str,
    /// Source's host.
    pub source_host: &'static str,
    /// Source's port.
    pub source_port: &'static str,
    /// Account.
    pub source_user: &'static str,
    /// Source's `server_id`, 0 until the first contact.
    pub source_server_id: &'static str,
    /// The receiver's last error number.
    pub last_io_errno: &'static str,
    /// The receiver's last error.
    pub last_io_error: &'static str,
    /// The applier's last error number.
    pub last_sql_errno: &'static str,
    /// The applier's last error.
    pub last_sql_error: &'static str,
}

const OLD: StatusColumns = StatusColumns {
    io_running: "Slave_IO_Running",
    sql_running: "Slave_SQL_Running",
    io_state: "Slave_IO_State",
    seconds_behind: "Seconds_Behind_Master",
    exec_file: "Relay_Master_Log_File",
    exec_pos: "Exec_Master_Log_Pos",
    read_file: "Master_Log_File",
    read_pos: "Read_Master_Log_Pos",
    source_host: "Master_Host",
    source_port: "Master_Port",
    source_user: "Master_User",
    source_server_id: "Master_Server_Id",
    last_io_errno: "Last_IO_Errno",
    last_io_error: "Last_IO_Error",
    last_sql_errno: "Last_SQL_Errno",
    last_sql_error: "Last_SQL_Error",
};

const NEW: StatusColumns = StatusColumns {
    io_running: "Replica_IO_Running",
    sql_running: "Replica_SQL_Running",
    io_state: "Replica_IO_State",
    seconds_behind: "Seconds_Behind_Source",
    exec_file: "Relay_Source_Log_File",
    exec_pos: "Exec_Source_Log_Pos",
    read_file: "Source_Log_File",
    read_pos: "Read_Source_Log_Pos",
    source_host: "Source_Host",
    source_port: "Source_Port",
    source_user: "Source_User",
    source_server_id: "Source_Server_Id",
    ..OLD
};

impl Dialect {
    /// Names of the columns of [`Dialect::replica_status`].
    #[must_use]
    pub fn status_columns(self) -> StatusColumns {
        if self.mysql(8, 0, 22) { NEW } else { OLD }
    }

    /// The column that shows whether the channel follows GTIDs, and its value if it does not.
    #[must_use]
    pub fn gtid_column(self) -> (&'static str, &'static str) {
        if self.is_mariadb() { ("Using_Gtid", "No") } else { ("Auto_Position", "0") }
    }

    /// Temporary tables that the applier holds open; forgetting the channel would drop them. Column `Value`.
    #[must_use]
    pub fn open_temp_tables(self) -> &'static str {
        "SHOW GLOBAL STATUS WHERE Variable_name IN ('Slave_open_temp_tables', 'Replica_open_temp_tables')"
    }
}

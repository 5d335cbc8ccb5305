//! Answers that a server or a host might give: mostly such as let a step go on, and now and then something else.

use cutover::domain::Sql;
use cutover::effects::stand_in::Answers;
use cutover::effects::{JobState, Ran, Rows, ServerError};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// So many statements are answered; a kind that goes on asking for ever is told no from then on.
const ENOUGH: usize = 400;

/// Decides by a seed.
pub struct Chance {
    dice: Mutex<fastrand::Rng>,
    version: &'static str,
    asked: AtomicUsize,
}

impl Chance {
    pub fn new(seed: u64, version: &'static str) -> Self {
        Self { dice: Mutex::new(fastrand::Rng::with_seed(seed)), version, asked: AtomicUsize::new(0) }
    }
    /// One time in `times`.
    fn once_in(&self, times: u32) -> bool {
        self.dice.lock().unwrap().u32(0..times) == 0
    }
    fn one_of<'a>(&self, all: &[&'a str]) -> &'a str {
        all[self.dice.lock().unwrap().usize(0..all.len())]
    }
    /// A value for a column or a variable, by its name.
    fn value(&self, name: &str) -> Option<String> {
        let name = name.to_ascii_lowercase();
        if self.once_in(25) {
            return None;
        }
        if self.once_in(12) {
            return Some(
                self.one_of(&["0", "1", "ON", "OFF", "", "7", "-1", "shop", "‹secret TARGET_PASSWORD›", "it's `odd`"])
                    .into(),
            );
        }
        let known = [
            ("log_bin", "ON"),
            ("binlog_format", "ROW"),
            ("binlog_row_image", "FULL"),
            ("event_scheduler", self.one_of(&["ON", "OFF"])),
            ("file", "mysql-bin.000002"),
            ("log_name", "mysql-bin.000002"),
            ("position", "1542"),
            ("slave_io_running", "Yes"),
            ("slave_sql_running", "Yes"),
            ("replica_io_running", "Yes"),
            ("replica_sql_running", "Yes"),
            ("seconds_behind_master", "0"),
            ("seconds_behind_source", "0"),
            ("in_database", self.one_of(&["shop", "*"])),
            ("privilege", self.one_of(&["SELECT", "SUPER", "PROCESS", "CREATE USER", "RELOAD", "READ_ONLY ADMIN"])),
            ("engine", "InnoDB"),
            ("clone_state", self.one_of(&["Completed", "Completed", "Failed", "In Progress"])),
            ("folder", "/var/lib/mysql.cutover-r1-it.clone/data/"),
            ("clone_valid_donor_list", ""),
            ("user", self.one_of(&["shop", "repl", "migrate"])),
            ("host", "%"),
            ("db", "shop"),
            ("definer", "shop@%"),
            ("status", self.one_of(&["ENABLED", "DISABLED", "SLAVESIDE_DISABLED", "REPLICA_SIDE_DISABLED"])),
            ("plugin", "mysql_native_password"),
            ("charset", "utf8mb4"),
            ("collation", "utf8mb4_general_ci"),
            ("read_only", self.one_of(&["0", "1"])),
            ("innodb_flush_log_at_trx_commit", "1"),
            ("sync_binlog", "1"),
            ("server_id", self.one_of(&["1", "2"])),
            (
                "name",
                self.one_of(&["shop", "shop.orders", "innodb_flush_log_at_trx_commit", "‹secret SOURCE_PASSWORD›"]),
            ),
        ];
        let known = known.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        Some(known.unwrap_or_else(|| self.one_of(&["0", "1", "2", "12"])).to_owned())
    }
    /// Rows of these columns; a column with a constant has that.
    fn rows_of(&self, columns: &[(&str, Option<&str>)]) -> Rows {
        let mut rows = Rows::of(columns.iter().map(|(name, _)| (*name).to_owned()).collect());
        let count = if self.once_in(4) { 0 } else { self.dice.lock().unwrap().usize(1..3) };
        for _ in 0..count {
            rows.push(
                columns
                    .iter()
                    .map(|(name, constant)| constant.map_or_else(|| self.value(name), |text| Some(text.into()))),
            );
        }
        rows
    }
    /// A replica's own answer: mostly a healthy one, or that there is none.
    fn replica(&self) -> Rows {
        let mut rows = Rows::of(REPLICA.iter().map(|(name, _)| (*name).to_owned()).collect());
        if !self.once_in(4) {
            let value = |usual: &str| if self.once_in(150) { self.value("odd") } else { Some(usual.to_owned()) };
            rows.push(REPLICA.iter().map(|(_, usual)| value(usual)));
        }
        rows
    }
    fn rows(&self, columns: &[&str]) -> Rows {
        self.rows_of(&columns.iter().map(|&name| (name, None)).collect::<Vec<_>>())
    }
    /// Names and values of all that stands quoted in a list.
    fn variables(&self, text: &str) -> Rows {
        let mut rows = Rows::of(["Variable_name", "Value"].map(str::to_owned).into());
        for name in text.split('\'').skip(1).step_by(2) {
            rows.push([Some(name.to_owned()), self.value(name)]);
        }
        rows
    }
    fn value_of(&self, value: &str) -> Rows {
        let mut rows = Rows::of(["value"].map(str::to_owned).into());
        rows.push([(!self.once_in(40)).then(|| value.to_owned())]);
        rows
    }
    /// The one value of a question without a name.
    fn single(&self, text: &str) -> String {
        let answers = [
            ("VERSION()", self.version),
            ("CURRENT_USER()", "migrate@%"),
            ("GET_LOCK", "1"),
            ("event_scheduler", self.one_of(&["ON", "OFF"])),
            ("gtid", "0-1-5"),
            ("hostname", "old"),
            ("MASTER_POS_WAIT", self.one_of(&["0", "-1"])),
            ("UNIX_TIMESTAMP", "1764391200.5"),
            ("IS_FREE_LOCK", "1"),
            ("read_only", self.one_of(&["0", "1"])),
            ("SOURCE_POS_WAIT", self.one_of(&["0", "-1"])),
        ];
        let known = answers.iter().find(|(part, _)| text.contains(part)).map(|(_, answer)| *answer);
        known.unwrap_or_else(|| self.one_of(&["0", "1", "1", "2"])).to_owned()
    }
}

/// Names that columns are given, with what stands before them where that is an empty string.
fn aliases(text: &str) -> Vec<(&str, Option<&str>)> {
    let mut found: Vec<(&str, Option<&str>)> = Vec::new();
    for (at, _) in text.match_indices(" AS ") {
        let rest = &text[at + 4..];
        let end = rest.find(|sign: char| !sign.is_alphanumeric() && sign != '_').unwrap_or(rest.len());
        let name = &rest[..end];
        let is_name = !name.is_empty() && name.chars().all(|sign| sign.is_lowercase() || sign == '_');
        if is_name && !found.iter().any(|(known, _)| *known == name) {
            found.push((name, text[..at].ends_with(" ''").then_some("")));
        }
    }
    found
}

/// What a replica says of itself, in the words of every version.
const REPLICA: [(&str, &str); 34] = [
    ("Slave_IO_Running", "Yes"),
    ("Slave_SQL_Running", "Yes"),
    ("Replica_IO_Running", "Yes"),
    ("Replica_SQL_Running", "Yes"),
    ("Slave_IO_State", "Waiting"),
    ("Replica_IO_State", "Waiting"),
    ("Seconds_Behind_Master", "0"),
    ("Seconds_Behind_Source", "0"),
    ("Relay_Master_Log_File", "mysql-bin.000002"),
    ("Relay_Source_Log_File", "mysql-bin.000002"),
    ("Exec_Master_Log_Pos", "1542"),
    ("Exec_Source_Log_Pos", "1542"),
    ("Master_Log_File", "mysql-bin.000002"),
    ("Source_Log_File", "mysql-bin.000002"),
    ("Read_Master_Log_Pos", "1542"),
    ("Read_Source_Log_Pos", "1542"),
    ("Master_Host", "127.0.0.1"),
    ("Source_Host", "127.0.0.1"),
    ("Master_Port", "3307"),
    ("Source_Port", "3307"),
    ("Master_User", "repl"),
    ("Source_User", "repl"),
    ("Master_Server_Id", "1"),
    ("Source_Server_Id", "1"),
    ("Last_IO_Errno", "0"),
    ("Last_IO_Error", ""),
    ("Last_SQL_Errno", "0"),
    ("Last_SQL_Error", ""),
    ("Connection_name", ""),
    ("Channel_Name", ""),
    ("Using_Gtid", "No"),
    ("Auto_Position", "0"),
    ("Gtid_IO_Pos", "0-1-5"),
    ("Executed_Gtid_Set", ""),
];

impl Answers for Chance {
    fn sql(&self, server: &str, statement: &Sql) -> Result<Rows, ServerError> {
        let text = statement.to_string();
        if self.asked.fetch_add(1, Ordering::Relaxed) > ENOUGH || self.once_in(60) {
            return Err(ServerError { code: 1105, message: "no more of this".into() });
        }
        let upper = text.trim_start().to_ascii_uppercase();
        Ok(match () {
            () if text.contains("HAVING NOT") && !self.once_in(20) => Rows::default(), // nobody else's databases
            () if upper.starts_with("SELECT @@GLOBAL.SERVER_ID") => {
                self.value_of(if server == "source" { "1" } else { "2" })
            }
            () if upper.starts_with("SHOW GLOBAL VARIABLES") || upper.starts_with("SHOW GLOBAL STATUS") => {
                self.variables(&text)
            }
            () if upper.contains("SLAVE") && upper.starts_with("SHOW") && upper.contains("STATUS") => self.replica(),
            () if upper.contains("REPLICA STATUS") => self.replica(),
            () if upper.starts_with("SHOW") && upper.ends_with("STATUS") => {
                self.rows(&["File", "Position", "Binlog_Do_DB", "Binlog_Ignore_DB", "Executed_Gtid_Set"])
            }
            () if upper.starts_with("SHOW BINARY LOGS") => self.rows(&["Log_name", "File_size"]),
            () if upper.starts_with("SHOW CREATE USER") => {
                let mut rows = Rows::of(["CREATE USER"].map(str::to_owned).into());
                let by = if self.version.contains("Maria") {
                    "BY PASSWORD '*00'"
                } else {
                    "WITH 'caching_sha2_password' AS '$A$'"
                };
                rows.push([Some(format!("CREATE USER `shop`@`%` IDENTIFIED {by}"))]);
                rows
            }
            () if upper.starts_with("SHOW GRANTS") => {
                let mut rows = Rows::of(["Grants"].map(str::to_owned).into());
                rows.push([Some("GRANT SELECT ON `shop`.* TO `shop`@`%`".to_owned())]);
                rows
            }
            () if upper.starts_with("SELECT")
                || upper.starts_with("SHOW")
                || upper.starts_with("WITH")
                || upper.starts_with('(') =>
            {
                match &aliases(&text)[..] {
                    [] => self.value_of(&self.single(&text)),
                    columns => self.rows_of(columns),
                }
            }
            () => Rows::default(),
        })
    }
    fn run(&self, _: &str, command: &str) -> Ran {
        let code = i32::from(self.once_in(8));
        let printed = match command {
            _ if command.contains("df -PB1") && command.contains("$1") => "/dev/vda 900000000000",
            _ if command.contains("df -PB1") => "900000000000",
            _ if command.starts_with("date") => "1764391200000000000",
            _ if command.contains("MemTotal") => "33554432\n8\nmax",
            _ if command.contains("beside_file") || command.contains("in_folder") => {
                self.one_of(&["ok", "ok", "ok", "no"])
            }
            _ if command.contains("cutover_reads") || command.contains("todo=$todo") => {
                self.one_of(&["read", "unknown", "unread"])
            }
            _ if command.contains("zstd -dcq") => {
                "-- CHANGE MASTER TO MASTER_LOG_FILE='mysql-bin.000002', MASTER_LOG_POS=1542;"
            }
            _ if command.contains("todo=find") => self.one_of(&[
                "/var/lib/mysql.cutover-r1-it.clone/data",
                "/var/lib/mysql.cutover-r1-it.clone/data",
                "whole",
            ]),
            _ if command.contains("todo=whole") => "4096",
            _ if command.starts_with("stat -c") => "4096",
            _ if command.starts_with("stat -L") => "700",
            _ if command.contains("/script") => self.one_of(&["", "dump", "tunnel"]),
            _ if command.contains("echo yes") => self.one_of(&["yes", "yes", "no"]),
            _ => "",
        };
        let stderr = if code == 0 { String::new() } else { "it went wrong".into() };
        Ran { code: Some(code), stdout: printed.as_bytes().to_vec(), whole: true, stderr }
    }
    fn file(&self, _: &str, path: &str) -> Option<Vec<u8>> {
        if self.once_in(4) {
            return None;
        }
        let text = match path {
            _ if path.ends_with("random.json") => {
                r#"{"jobs":[{"error":0,"read":{"iops":30000.4},"write":{"iops":99000.2}}]}"#
            }
            _ if path.ends_with("commit.json") => {
                r#"{"jobs":[{"error":0,"sync":{"lat_ns":{"N":5,"percentile":{"99.000000":150000}}}}]}"#
            }
            _ => "[mysqld]\ninnodb_flush_log_at_trx_commit = 2\n",
        };
        Some(text.as_bytes().to_vec())
    }
    fn job(&self, _: &str, _: &str) -> Option<JobState> {
        match self.dice.lock().unwrap().u32(0..6) {
            0 => None,
            1 => Some(JobState { code: Some(3), done: None, running: false }),
            2 => Some(JobState { code: None, done: Some(7), running: true }),
            _ => Some(JobState { code: Some(0), done: Some(9), running: false }),
        }
    }
    fn socket(&self, _: &str, _: &str, line: &str) -> String {
        if line.starts_with("show") && !self.once_in(5) {
            let state = self.one_of(&["0", "1"]);
            return format!(
                "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state\n3 db 1 old 127.0.0.1 2 {state}\n3 db 2 new 127.0.0.1 2 1\n\n\
                 # pxname,svname,qcur,qmax,scur,bck\ndb,old,0,0,2,0\ndb,new,0,0,0,0\n\nadmin\n"
            );
        }
        String::new()
    }
    fn login(&self, _: &str, user: &str) -> Result<String, ServerError> {
        if self.once_in(4) {
            return Err(ServerError { code: 1045, message: "Access denied".into() });
        }
        Ok(format!("{user}@%"))
    }
}

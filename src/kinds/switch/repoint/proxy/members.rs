//! The servers of a backend as `HAProxy` answers for them. Pure.

use std::collections::HashMap;

/// Bits of the administrative state: any of them keeps a server in maintenance (forced, inherited, of its address).
const MAINTENANCE: u8 = 1 | 2 | 32;
/// A server in one of these states keeps its sessions and is given no new one.
const DRAINING: u8 = 8 | 16;

/// A server of a backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its name in the backend.
    pub name: String,
    /// Whether it is given connections.
    pub state: Admin,
    /// Whether it is only used while no other server is up.
    pub is_backup: bool,
    /// Sessions it has now.
    pub sessions: u64,
}

/// What an administrator, or the configuration, has made of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admin {
    /// It takes connections when it is up.
    Ready,
    /// It keeps the sessions it has.
    Draining,
    /// It takes none and has none.
    Maintenance,
}

/// The questions, in one line.
pub fn question(backend: &str) -> String {
    format!("show servers state {backend}; show stat {backend} 4 -1; show cli level")
}

/// The level of the socket where it does not let anybody switch servers; a proxy before 1.8 does not say.
pub fn too_low(answer: &str) -> Option<&str> {
    answer.lines().rfind(|line| !line.is_empty()).filter(|level| ["user", "operator"].contains(level))
}

/// Every server of the answer to [`question`]; `None` when it cannot be read: a server that cannot be read is not "shut".
///
/// Columns of the first part as in `HAProxy`'s management guide: 4 is the name, 7 the administrative state. "Disabled in
/// the configuration" (4) stays there after the server was made ready, so it says nothing. The second part is CSV with a
/// header.
pub fn members(answer: &str) -> Option<Vec<Member>> {
    let rows = answer.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit()) && line.contains(' '));
    let statistics = statistics(answer)?;
    let member = |row: &str| {
        let columns: Vec<&str> = row.split_whitespace().collect();
        let (name, state) = (columns.get(3)?, columns.get(6)?.parse::<u8>().ok()?);
        let (is_backup, sessions) = *statistics.get(*name)?;
        let state = match state {
            state if state & MAINTENANCE != 0 => Admin::Maintenance,
            state if state & DRAINING != 0 => Admin::Draining,
            _ => Admin::Ready,
        };
        Some(Member { name: (*name).to_owned(), state, is_backup, sessions })
    };
    let members: Vec<Member> = rows.map(member).collect::<Option<_>>()?;
    (!members.is_empty()).then_some(members)
}

/// Of each server: whether it is a backup, and its sessions.
fn statistics(answer: &str) -> Option<HashMap<&str, (bool, u64)>> {
    let mut lines = answer.lines().skip_while(|line| !line.starts_with("# pxname,"));
    let header: Vec<&str> = lines.next()?.trim_start_matches("# ").split(',').collect();
    let column = |wanted: &str| header.iter().position(|name| *name == wanted);
    let (name, backup, sessions) = (column("svname")?, column("bck")?, column("scur")?);
    let row = |line: &'_ str| -> Option<(usize, bool, u64)> {
        let values: Vec<&str> = line.split(',').collect();
        let at = values.get(..name)?.iter().map(|value| value.len() + 1).sum();
        Some((at, *values.get(backup)? == "1", values.get(sessions)?.parse().ok()?))
    };
    let rows = lines.take_while(|line| !line.is_empty());
    rows.map(|line| row(line).map(|(at, backup, now)| (line[at..].split(',').next().unwrap_or(""), (backup, now))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Admin, Member, members, too_low};

    const STATISTICS: &str = "\n# pxname,svname,qcur,qmax,scur,smax,act,bck\ndb,old,0,0,4,9,1,0\ndb,new,0,0,0,1,1,0\n\
                              db,spare,0,0,2,2,0,1\n\n";

    fn states(rows: &str) -> Option<Vec<(String, Admin, bool, u64)>> {
        let tuple = |Member { name, state, is_backup, sessions }| (name, state, is_backup, sessions);
        Some(members(&format!("{rows}{STATISTICS}"))?.into_iter().map(tuple).collect())
    }

    #[test]
    fn reads_who_is_ready_draining_shut_or_a_backup() {
        let state = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state x\n\
                     3 db 1 old 127.0.0.1 2 0 1\n3 db 2 new 127.0.0.1 0 5 1\n3 db 3 spare 127.0.0.1 2 8 1\n";
        let expected = [
            ("old".to_owned(), Admin::Ready, false, 4),
            ("new".to_owned(), Admin::Maintenance, false, 0),
            ("spare".to_owned(), Admin::Draining, true, 2),
        ];
        assert_eq!(states(state).unwrap(), expected);
        let switched = "1\n# header\n3 db 1 old 127.0.0.1 0 1 1\n3 db 2 new 127.0.0.1 2 4 1\n";
        assert_eq!(states(switched).unwrap()[1].1, Admin::Ready, "disabled in the configuration, and made ready since");
    }

    #[test]
    fn a_socket_that_only_shows_is_known() {
        assert_eq!(too_low(&format!("1{STATISTICS}operator\n\n")), Some("operator"));
        assert_eq!(too_low(&format!("1{STATISTICS}admin\n\n")), None);
        assert_eq!(too_low(&format!("1{STATISTICS}")), None);
    }

    #[test]
    fn what_cannot_be_read_is_not_taken_for_shut() {
        let state = "1\n# header\n3 db 1 old 127.0.0.1 2 ? 1\n";
        assert_eq!(states(state), None);
        assert_eq!(states("1\n# header\n3 db 1 stranger 127.0.0.1 2 0 1\n"), None, "no statistics of it");
        assert_eq!(members("Can't find backend.\n"), None);
        assert_eq!(members("1\n# header\n3 db 1 old 127.0.0.1 2 0 1\n"), None);
    }
}

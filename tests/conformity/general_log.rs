//! Reads a server's general log: who said what, connection by connection.

use std::collections::HashMap;

/// One connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conversation {
    /// Account's user name.
    pub user: String,
    /// Statements, in order.
    pub statements: Vec<String>,
    /// What is neither a statement nor a farewell.
    pub other_commands: Vec<String>,
}

/// Every connection that begins in `log`. Replication threads have none: a receiver shows as one that goes out, the
/// appliers as statements from nowhere.
pub fn conversations(log: &str) -> Vec<Conversation> {
    let mut all: Vec<Conversation> = Vec::new();
    let mut open: HashMap<u64, usize> = HashMap::new();
    let mut unfinished: Option<usize> = None; // whose statement the next line may go on with
    for line in log.lines() {
        let Some((id, command, text)) = entry(line) else {
            if line.contains(", Version: ") {
                (open, unfinished) = (HashMap::new(), None); // a restart: numbers begin anew
            } else if let Some(statement) = unfinished.and_then(|place| all[place].statements.last_mut()) {
                statement.push('\n');
                statement.push_str(line);
            }
            continue;
        };
        unfinished = None;
        match (command, open.get(&id).copied()) {
            ("Connect", _) => {
                open.insert(id, all.len());
                let user = text.split('@').next().unwrap_or_default().to_owned();
                all.push(Conversation { user, ..Conversation::default() });
            }
            ("Connect Out" | "Quit", _) => drop(open.remove(&id)),
            ("Query", Some(place)) => {
                all[place].statements.push(text.to_owned());
                unfinished = Some(place);
            }
            (other, Some(place)) => all[place].other_commands.push(format!("{other} {text}")),
            (_, None) => {}
        }
    }
    all
}

/// `time TAB id command TAB text`; the time is left out where it is that of the line before.
fn entry(line: &str) -> Option<(u64, &str, &str)> {
    let (time, rest) = line.split_once('\t')?;
    if !time.chars().all(|sign| sign.is_ascii_digit() || matches!(sign, ' ' | ':')) {
        return None;
    }
    let rest = rest.strip_prefix('\t').unwrap_or(rest).trim_start_matches(' ');
    let (head, text) = rest.split_once('\t')?;
    let (id, command) = head.split_once(' ')?;
    Some((id.parse().ok()?, command, text))
}

#[test]
fn reads_connections_of_several_lines_and_several_lives() {
    let log = "/usr/sbin/mariadbd, Version: 10.11\nTime\t\t    Id Command\tArgument\n\
        251122 17:00:00\t     3 Connect\tmigrate@127.0.0.1 on  using TCP/IP\n\t\t     3 Query\tSELECT 1,\n  2\n\
        251122  9:00:01\t     4 Connect\tshop@127.0.0.1 on shop using TCP/IP\n\t\t     3 Query\tSELECT 3\n\
        \t\t     4 Prepare\tx\n\t\t     3 Quit\t\n\t\t     3 Query\tfrom nowhere\n\
        /usr/sbin/mariadbd, Version: 10.11\n\t\t     4 Query\tfrom an applier\n\
        \t\t     4 Connect\trepl@127.0.0.1 on  using TCP/IP\n\t\t     4 Query\tSELECT 5\n";
    let read = conversations(log);
    let users: Vec<_> = read.iter().map(|known| known.user.as_str()).collect();
    assert_eq!(users, ["migrate", "shop", "repl"]);
    assert_eq!(read[0].statements, ["SELECT 1,\n  2", "SELECT 3"]);
    assert_eq!((read[1].other_commands.as_slice(), read[1].statements.len()), (&["Prepare x".to_owned()][..], 0));
    assert_eq!(read[2].statements, ["SELECT 5"]);
}

//! The statement at which an applier stopped, proved by the event itself. Pure.

use super::AccountStatement;
use crate::effects::{Row, Rows};

/// A transaction that is a single statement about accounts.
#[derive(Debug, PartialEq, Eq)]
pub struct Met {
    /// It.
    pub statement: AccountStatement,
    /// Its GTID, where one must be used up.
    pub gtid: Option<String>,
    /// Where it ends in the source's log.
    end: String,
}

/// The transaction that the events begin with, if it is one.
#[must_use]
pub fn first(events: &Rows) -> Option<Met> {
    at(events, 0)
}

/// The transaction that `error` speaks of, if it is one: it must be found once, or nothing is proved.
#[must_use]
pub fn met(events: &Rows, error: &str) -> Option<Met> {
    let Some(end) = named(error, "end_log_pos ", |c| !c.is_ascii_digit()) else {
        return first(events).filter(|met| error.ends_with(&met.statement.to_string()));
    };
    let gtid = named(error, "transaction '", |c| c == '\'').filter(|gtid| *gtid != ANONYMOUS);
    let is_it = |met: &Met| met.end == end && met.gtid.as_deref() == gtid;
    let mut found = (0..events.len()).filter_map(|index| at(events, index)).filter(is_it);
    let met = found.next()?;
    // a relay log may hold several files of the source, each with an event that ends there
    let ends = events.iter().filter(|event| is(event, "Query") && event.get("End_log_pos") == Some(end)).count();
    (found.next().is_none() && (gtid.is_some() || ends == 1)).then_some(met)
}

const ANONYMOUS: &str = "ANONYMOUS";

fn named<'a>(error: &'a str, before: &str, ends: impl Fn(char) -> bool) -> Option<&'a str> {
    let (_, rest) = error.split_once(before)?;
    rest.split(ends).next().filter(|text| !text.is_empty())
}

fn is(event: &Row<'_>, kind: &str) -> bool {
    event.get("Event_type") == Some(kind)
}

fn at(events: &Rows, index: usize) -> Option<Met> {
    let begin = events.row(index)?;
    if !is(&begin, "Gtid") && !is(&begin, "Anonymous_Gtid") {
        return None;
    }
    let info = begin.get("Info")?;
    let event = events.row(index + 1).filter(|event| is(event, "Query") && !info.starts_with("BEGIN"))?;
    let gtid = info.split_once("GTID_NEXT= '").and_then(|(_, rest)| rest.strip_suffix('\''));
    let info = event.get("Info")?;
    let text = info.strip_prefix("use `").and_then(|rest| rest.split_once("`; ")).map_or(info, |(_, text)| text);
    Some(Met {
        statement: AccountStatement::read(text)?,
        gtid: gtid.filter(|gtid| *gtid != ANONYMOUS).map(str::to_owned),
        end: event.get("End_log_pos")?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::without_statement;
    use super::{first, met};
    use crate::effects::Rows;

    fn events(lines: &[[&str; 3]]) -> Rows {
        let mut rows = Rows::of(["Event_type", "End_log_pos", "Info"].map(str::to_owned).into());
        for line in lines {
            rows.push(line.iter().map(|&value| Some(value.to_owned())));
        }
        rows
    }

    const NEXT: &str = "SET @@SESSION.GTID_NEXT= 'ANONYMOUS'";

    fn coordinator(transaction: &str, end: u32) -> String {
        format!(
            "error 3523: Coordinator stopped because there were error(s) in the worker(s). The most recent failure being: \
             Worker 1 failed executing transaction '{transaction}' at source log binlog.000007, end_log_pos {end}. See"
        )
    }

    #[test]
    fn mysql_names_the_transaction_and_its_end() {
        let row = [["Anonymous_Gtid", "100", NEXT], ["Query", "150", "BEGIN"], ["Xid", "200", "COMMIT /* xid=1 */"]];
        let log = |info, text| events(&[&row[..], &[["Anonymous_Gtid", "275", info], ["Query", "384", text]]].concat());
        let anonymous = coordinator("ANONYMOUS", 384);
        let found = met(&log(NEXT, "grant rr to shop /* xid=1 */"), &anonymous).unwrap();
        assert_eq!((found.statement.to_string().as_str(), &found.gtid), ("GRANT of shop", &None));
        assert_eq!(first(&log(NEXT, "grant rr to shop")), None, "other transactions come before");
        let gtid = "SET @@SESSION.GTID_NEXT= 'a5-1:36'";
        let numbered = met(&log(gtid, "use `shop`; drop user x"), &coordinator("a5-1:36", 384)).unwrap();
        assert_eq!(numbered.gtid.as_deref(), Some("a5-1:36"));
        assert_eq!(met(&log(gtid, "drop user x"), &anonymous), None);
        assert_eq!(met(&log(gtid, "drop user x"), &coordinator("a5-1:3", 384)), None);
        assert_eq!(met(&log(NEXT, "drop table x"), &anonymous), None);
        assert_eq!(met(&log(NEXT, "drop user x"), &coordinator("ANONYMOUS", 3841)), None);
        let twice = events(&[["Query", "384", "BEGIN"], ["Gtid", "9", NEXT], ["Query", "384", "drop user x"]]);
        assert_eq!(met(&twice, &anonymous), None, "it may be the other one");
    }

    #[test]
    fn mariadb_stands_before_the_statement_and_quotes_it() {
        let raw =
            "error 1396: Error 'Operation ALTER USER failed' on query. Query: 'ALTER USER r@'%' IDENTIFIED BY 'y''";
        let maria = [["Gtid", "4300", "GTID 0-1-25"], ["Query", "4402", "ALTER USER r@'%' IDENTIFIED BY 'y'"]];
        assert!(met(&events(&maria), &without_statement(raw)).is_some());
        let other = raw.replace("r@", "s@");
        assert_eq!(met(&events(&maria), &without_statement(&other)), None);
        assert_eq!(met(&events(&maria[..1]), &without_statement(raw)), None);
        let within = [["Gtid", "4300", "BEGIN GTID 0-1-25"], maria[1]];
        assert_eq!(met(&events(&within), &without_statement(raw)), None);
        let row = "error 1062: Duplicate entry 'end_log_pos 4402' for key 'a'";
        assert_eq!(met(&events(&[["Gtid", "1", "BEGIN GTID 0-1-2"], ["Table_map", "2", ""]]), row), None);
    }
}

//! Roles that accounts were given, which the families keep and write in different ways. In `MySQL` a role is an account with a
//! host, and `MariaDB` does not read `GRANT role@host TO …`; in `MariaDB` it is a name of its own, and `MySQL` does not read `SET
//! DEFAULT ROLE … FOR …` (error 1064 both, of 11.8.9 and 9.7.4).

use super::super::ask::Ask;
use super::super::check::{Check, Occasion};
use super::super::pair::Source;
use super::super::seen::Seen;
use super::super::verdict::{Verdict, some};
use crate::error::Result;

pub const CHECK: Check = Check::warning("roles", judge)
    .only_before(Occasion::Copy)
    .asks(|pair| pair.source.dialect.role_members().map(|text| Ask::sql(Source, text)).into_iter().collect());

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let Some(question) = seen.pair.source.dialect.role_members() else {
        return Ok(Verdict::pass("a source of this version has no roles"));
    };
    let rows = seen.rows(Source, question)?;
    if seen.source.product.family == seen.target.product.family {
        return Ok(Verdict::pass("both servers are of one family"));
    }
    let field = |row: &crate::effects::Row<'_>, name| row.get(name).unwrap_or_default().to_owned();
    let given: Vec<String> = rows
        .iter()
        .map(|row| format!("{} to {}@{}", field(&row, "role_user"), field(&row, "user"), field(&row, "host")))
        .collect();
    if given.is_empty() {
        return Ok(Verdict::pass("no account of the source has a role"));
    }
    let (from, to) = (seen.source.product.family, seen.target.product.family);
    let evidence = format!("{to} grants roles with other statements than {from}: {}", some(&given));
    let remedy = "create these roles on the target by hand, and grant them there (GRANT, SET DEFAULT ROLE); \
                  `accounts` does not convert them";
    Ok(Verdict::warn(evidence, remedy))
}

//! Kinds of tables and columns that only one family has, or keeps in another form.

use super::super::ask::Ask;
use super::super::check::{Check, Occasion};
use super::super::pair::Source;
use super::super::seen::Seen;
use super::super::verdict::{Verdict, some};
use crate::error::Result;

pub const CHECK: Check = Check::blocking("family_objects", judge)
    .only_before(Occasion::Copy)
    .asks(|pair| vec![Ask::sql(Source, pair.source.dialect.objects_of_one_family(pair.databases))]);

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let objects = seen.names(Source, seen.pair.source.dialect.objects_of_one_family(seen.pair.databases))?;
    if seen.source.product.family == seen.target.product.family {
        return Ok(Verdict::pass("both servers are of one family"));
    }
    if objects.is_empty() {
        return Ok(Verdict::pass("no table or column that only one family supports"));
    }
    let evidence = format!("{} does not support {}", seen.target.product.family, some(&objects));
    let remedy = "change them on the source to types that both families support, for example a JSON column to \
                  LONGTEXT CHECK (JSON_VALID(...)): a replica of the other family stops at the first row with such a \
                  value";
    Ok(Verdict::block(evidence, remedy))
}

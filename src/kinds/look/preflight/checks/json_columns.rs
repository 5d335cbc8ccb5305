//! `JSON` columns of `MySQL`: a dump is text, and some values inside a document come back as another type.

use super::super::ask::Ask;
use super::super::check::{Check, Occasion};
use super::super::pair::{Pair, Source};
use super::super::seen::Seen;
use super::super::verdict::{Verdict, some};
use crate::domain::Sql;
use crate::error::Result;

pub const CHECK: Check = Check::warning("json_columns", judge)
    .only_before(Occasion::Copy)
    .asks(|pair| question(pair).map(|text| Ask::sql(Source, text)).into_iter().collect());

fn question(pair: &Pair<'_>) -> Option<Sql> {
    pair.source.dialect.json_columns(pair.databases)
}

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let Some(text) = question(seen.pair) else {
        return Ok(Verdict::pass("the source stores JSON as text"));
    };
    let columns = seen.names(Source, text)?;
    if columns.is_empty() {
        return Ok(Verdict::pass("no JSON column"));
    }
    let evidence =
        format!("a DECIMAL or a date inside a document becomes a DOUBLE or a string in a dump: {}", some(&columns));
    let help = "if the documents contain no such values, nothing is lost; `verify` refuses differences, unless it has \
                `documents: text`";
    Ok(Verdict::warn(evidence, help))
}

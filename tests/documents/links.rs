//! Every link to a page, a file or a heading of the repository leads there, and the book's summary names every page.

use super::{Page, files, line, pages, root};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Pages below docs that are no part of the book: raw material.
const SUMMARY: &str = "docs/SUMMARY.md";

/// What GitHub and mdBook make of a heading: lower case, spaces as `-`, other marks dropped.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    kept.chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
            _ => None,
        })
        .collect()
}

/// Anchors of a page; a second heading of the same words has `-1` behind it.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    let mut heading: Option<String> = None;
    let mut all = BTreeSet::new();
    for event in Parser::new_ext(text, Options::all()) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => {
                let name = anchor(&heading.take().unwrap_or_default());
                let again = found.entry(name.clone()).or_default();
                all.insert(if *again == 0 { name } else { format!("{name}-{again}") });
                *again += 1;
            }
            Event::Text(words) | Event::Code(words) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&words);
                }
            }
            Event::InlineHtml(html) | Event::Html(html) => {
                all.extend(html.split("id=\"").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
            }
            _ => {}
        }
    }
    all
}

/// Where a link leads, below the repository, and its heading; `None` for other places of the world.
fn aim(page: &Path, link: &str) -> Option<(PathBuf, String)> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (file, heading) = link.split_once('#').unwrap_or((link, ""));
    let aim = if file.is_empty() { page.to_owned() } else { page.parent().unwrap().join(file) };
    let mut whole = PathBuf::new();
    for part in aim.components() {
        match part {
            std::path::Component::ParentDir => drop(whole.pop()),
            std::path::Component::CurDir => {}
            part => whole.push(part),
        }
    }
    Some((whole, heading.to_owned()))
}

fn faults(page: &Page, headings: &BTreeMap<PathBuf, BTreeSet<String>>) -> Vec<String> {
    let mut faults = Vec::new();
    for (event, span) in Parser::new_ext(&page.text, Options::all()).into_offset_iter() {
        let Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) = event else { continue };
        let Some((file, heading)) = aim(&page.path, &dest_url) else { continue };
        let there = root().join(&file);
        if page.path.starts_with("docs") && !file.starts_with("docs") {
            let at = line(&page.text, span.start);
            faults.push(format!("{}:{at}: {dest_url} leads out of the book", page.path.display()));
        }
        let known = headings.get(&file).is_none_or(|known| heading.is_empty() || known.contains(&heading));
        if !there.exists() || !known {
            faults.push(format!("{}:{}: {dest_url} leads nowhere", page.path.display(), line(&page.text, span.start)));
        }
    }
    faults
}

#[test]
fn every_link_leads_somewhere() {
    let pages = pages();
    let headings = pages.iter().map(|page| (page.path.clone(), anchors(&page.text))).collect();
    let faults: Vec<String> = pages.iter().flat_map(|page| faults(page, &headings)).collect();
    assert!(faults.is_empty(), "{} links\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn the_summary_names_every_page_of_the_book_once() {
    let text = std::fs::read_to_string(root().join(SUMMARY)).unwrap();
    let mut named: Vec<PathBuf> = Parser::new(&text)
        .filter_map(|event| match event {
            Event::Start(Tag::Link { dest_url, .. }) => Some(Path::new("docs").join(&*dest_url)),
            _ => None,
        })
        .collect();
    named.sort();
    let there: Vec<PathBuf> =
        files("docs", ".md").into_iter().map(|page| page.path).filter(|path| path != Path::new(SUMMARY)).collect();
    assert_eq!(named, there);
}

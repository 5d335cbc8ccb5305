//! The graph of a plan as an inline drawing: steps in rows, the point of no return as a line across.

use super::edges::{Edges, is_point_of_no_return, point_of_no_return};
use super::layout::{Arrow, Layout, layout};
use crate::plan::Plan;
use maud::{Markup, html};
use std::fmt::Write as _;

const BOX_HEIGHT: usize = 42;
/// From the top of a row to the top of the next.
const ROW: usize = 74;
/// Between two boxes of a row.
const GAP: usize = 26;
const MARGIN: usize = 16;
/// More room before the steps beyond the point of no return, for the line and its label.
const BAND: usize = 46;
/// Letters of a name that are shown.
const LETTERS: usize = 26;
/// Width of a letter, rounded up.
const LETTER: usize = 9;

/// How a step of a run stands, in a drawing of it.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    /// Class of its box.
    pub class: &'static str,
    /// A sign before the words: colour is never the only one.
    pub sign: &'static str,
    /// How it stands, in a word or two.
    pub word: &'static str,
}

/// A drawing of a run.
pub struct Live {
    /// All of it.
    pub drawing: Markup,
    /// What stands in the element `node-N` of each step, in file order: all that changes while the run goes on.
    pub nodes: Vec<Markup>,
}

/// Sizes of the drawing, in pixels.
struct Drawing<'a> {
    plan: &'a Plan,
    layout: Layout,
    box_width: usize,
    /// Room on the left of the first column.
    left: usize,
    /// How the steps stand, in a drawing of a run.
    marks: &'a [Mark],
}

/// Draws `plan`; a box leads to the element `step-N` of the page.
pub(super) fn svg(plan: &Plan, edges: &Edges) -> Markup {
    drawing(plan, edges, &[]).markup()
}

/// Draws `plan` with how its steps stand; a box leads to the element `row-N` of the page.
pub(super) fn live(plan: &Plan, edges: &Edges, marks: &[Mark]) -> Live {
    let drawing = drawing(plan, edges, marks);
    Live { drawing: drawing.markup(), nodes: (0..plan.steps.len()).map(|place| drawing.node(place)).collect() }
}

fn drawing<'a>(plan: &'a Plan, edges: &Edges, marks: &'a [Mark]) -> Drawing<'a> {
    let layout = layout(edges, point_of_no_return(plan));
    let longest = |text: &str| text.chars().count().min(LETTERS);
    let letters = plan.steps.iter().map(|step| longest(&step.id).max(longest(&step.uses))).max().unwrap_or(0);
    let box_width = (letters * LETTER + 24).max(120);
    let columns = layout.width * (box_width + GAP) / 2;
    let left = MARGIN + (label(plan).chars().count() * LETTER).saturating_sub(columns) / 2;
    Drawing { plan, layout, box_width, left, marks }
}

impl Drawing<'_> {
    fn markup(&self) -> Markup {
        let width = 2 * self.left + self.layout.width * (self.box_width + GAP) / 2;
        let height = self.top(self.layout.rows) + MARGIN;
        let steps = self.plan.steps.len();
        let about = format!("graph of {steps} {}", if steps == 1 { "step" } else { "steps" });
        // the page of a run allows no style that is not in its own file; there the boxes change, and are read out
        let style = self.marks.is_empty().then(|| format!("min-width:{}px", width * 3 / 4));
        let role = if self.marks.is_empty() { "img" } else { "group" };
        html! {
            svg viewBox={ "0 0 " (width) " " (height) } width=(width) height=(height) style=[style] role=(role) aria-label=(about) {
                defs {
                    marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto" {
                        path class="head" d="M0 0L8 4L0 8z" {}
                    }
                }
                @for (index, _) in self.plan.blocks.iter().enumerate() { (self.frame(index)) }
                @for arrow in &self.layout.arrows { path class="arrow" d=(self.path(arrow)) marker-end="url(#arrow)" {} }
                (self.line(width))
                @for place in 0..self.plan.steps.len() {
                    @if self.marks.is_empty() { (self.node(place)) } @else { g id={ "node-" (place + 1) } { (self.node(place)) } }
                }
            }
        }
    }

    /// Top of a row.
    fn top(&self, row: usize) -> usize {
        let band = self.layout.beyond.map_or(0, |beyond| if row >= beyond { BAND } else { 0 });
        // where nothing comes after the point of no return, its line stands at the very end
        let end = if row == self.layout.rows && self.layout.beyond.is_none() && self.divided() { BAND } else { 0 };
        MARGIN + row * ROW + band + end
    }

    fn divided(&self) -> bool {
        point_of_no_return(self.plan).is_some()
    }

    /// Middle of a box, from its half column.
    fn middle(&self, column: usize) -> usize {
        self.left + (column + 1) * (self.box_width + GAP) / 2
    }

    fn node(&self, place: usize) -> Markup {
        let step = &self.plan.steps[place];
        let (middle, top) = (self.middle(self.layout.column[place]), self.top(self.layout.row[place]));
        let class = match step {
            step if step.skip.is_some() => "step skipped",
            step if is_point_of_no_return(step) => "step last",
            _ => "step",
        };
        let number = place + 1;
        let mark = self.marks.get(place);
        let class = mark.map_or(class.to_owned(), |mark| format!("{class} {}", mark.class));
        let target = if mark.is_some() { "row" } else { "step" };
        let below = mark.map_or_else(|| short(&step.uses), |mark| format!("{} {}", mark.sign, mark.word));
        html! {
            a href={ "#" (target) "-" (number) } {
                title { (number) ". " (step.id) " (" (step.uses) ")" @if let Some(mark) = mark { ": " (mark.word) } }
                rect class=(class) x=(middle - self.box_width / 2) y=(top) width=(self.box_width) height=(BOX_HEIGHT) rx="6" {}
                text class="id" x=(middle) y=(top + 18) { (short(&step.id)) }
                text class="kind" x=(middle) y=(top + 34) { (below) }
            }
        }
    }

    /// From the bottom of one box to the top of another, straight through the rows between.
    fn path(&self, arrow: &Arrow) -> String {
        let (from, to) = (self.layout.row[arrow.from], self.layout.row[arrow.to]);
        let mut at = (self.middle(self.layout.column[arrow.from]), self.top(from) + BOX_HEIGHT);
        let mut path = format!("M{} {}", at.0, at.1);
        let mut bend = |x: usize, y: usize, bottom: usize| {
            let half = usize::midpoint(at.1, y);
            // writing into a String cannot fail
            let _ = write!(path, "C{} {half} {x} {half} {x} {y}", at.0);
            if bottom > y {
                let _ = write!(path, "V{bottom}");
            }
            at = (x, bottom);
        };
        for (row, &column) in (from + 1..to).zip(&arrow.by) {
            bend(self.middle(column), self.top(row), self.top(row) + BOX_HEIGHT);
        }
        let end = self.top(to) - 1;
        bend(self.middle(self.layout.column[arrow.to]), end, end);
        path
    }

    /// The line after which nothing is rolled back.
    fn line(&self, width: usize) -> Markup {
        if !self.divided() {
            return html! {};
        }
        let row = self.layout.beyond.unwrap_or(self.layout.rows);
        let y = self.top(row) - BAND / 2 - (ROW - BOX_HEIGHT) / 2;
        html! {
            line class="no-return" x1="0" y1=(y) x2=(width) y2=(y) {}
            text class="no-return" x=(MARGIN / 2) y=(y - 7) { (label(self.plan)) }
        }
    }

    /// A frame around the steps of a block, unless another step stands among them.
    fn frame(&self, block: usize) -> Markup {
        let block = &self.plan.blocks[block];
        let inside = |place: &usize| self.plan.steps[*place].block.as_deref() == Some(block.id.as_str());
        let (members, others): (Vec<usize>, Vec<usize>) = (0..self.plan.steps.len()).partition(inside);
        let bounds =
            |of: &Vec<usize>| Some((*members.iter().map(|&m| &of[m]).min()?, *members.iter().map(|&m| &of[m]).max()?));
        let (Some(rows), Some(columns)) = (bounds(&self.layout.row), bounds(&self.layout.column)) else {
            return html! {};
        };
        let among = |&other: &usize| {
            (rows.0..=rows.1).contains(&self.layout.row[other])
                && (columns.0..=columns.1).contains(&self.layout.column[other])
        };
        if others.iter().any(among) {
            return html! {};
        }
        let (x, y) = (self.middle(columns.0) - self.box_width / 2 - 10, self.top(rows.0) - 12);
        let (width, height) =
            (self.middle(columns.1) + self.box_width / 2 + 10 - x, self.top(rows.1) + BOX_HEIGHT + 12 - y);
        html! {
            g {
                title { "block " (block.id) }
                rect class="block" x=(x) y=(y) width=(width) height=(height) rx="10" {}
                text class="frame" x=(x + width + 6) y=(y + 16) { (short(&block.id)) }
            }
        }
    }
}

/// What stands on the line; the drawing is wide enough for it even where all steps stand in one column.
fn label(plan: &Plan) -> String {
    point_of_no_return(plan).map_or(String::new(), |place| {
        format!("POINT OF NO RETURN: after {} nothing is rolled back", short(&plan.steps[place].id))
    })
}

/// A name, cut to the letters that fit into a drawing.
#[must_use]
pub fn short(text: &str) -> String {
    match text.char_indices().nth(LETTERS) {
        Some(_) => text.chars().take(LETTERS - 1).chain(['…']).collect(),
        None => text.to_owned(),
    }
}

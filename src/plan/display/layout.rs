//! Places for the steps of a drawing: rows by the longest way to a step, columns by the middle of what it needs.
//!
//! An arrow over several rows is given a place in each of them, so that it leads around the steps there. Nearly linear
//! in steps and places of arrows.

use super::edges::Edges;
use std::collections::HashMap;

/// How often rows are put in order, downwards and upwards in turn.
const ROUNDS: usize = 4;

/// Where everything stands, in rows and columns.
pub(super) struct Layout {
    /// Row of each step; members of a circle stand in row 0.
    pub row: Vec<usize>,
    /// Column of each step, in half columns: a row is centred.
    pub column: Vec<usize>,
    /// Each arrow: from, to, and the half columns it passes in the rows between.
    pub arrows: Vec<Arrow>,
    /// How many rows there are.
    pub rows: usize,
    /// Columns of the widest row, in half columns.
    pub width: usize,
    /// The first row of the steps that come after the point of no return.
    pub beyond: Option<usize>,
}

/// One arrow.
pub(super) struct Arrow {
    /// Place of the needed step.
    pub from: usize,
    /// Place of the step that needs it.
    pub to: usize,
    /// Half columns in the rows between them.
    pub by: Vec<usize>,
}

/// Lays out the steps of `edges`; what is certain to run after step `divide` stands below all the rest.
pub(super) fn layout(edges: &Edges, divide: Option<usize>) -> Layout {
    let after = divide.map_or_else(|| vec![false; edges.needs.len()], |place| edges.after(place));
    let (row, beyond) = rows(edges, &after);
    let mut grid = Grid::new(edges, &row);
    for round in 0..ROUNDS {
        grid.put_in_order(round % 2 == 0);
    }
    let width = 2 * grid.rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut column = vec![0; grid.nodes];
    for cells in &grid.rows {
        let indent = (width - 2 * cells.len()) / 2;
        cells.iter().enumerate().for_each(|(index, &cell)| column[cell] = indent + 2 * index);
    }
    let arrow = |(from, to, cells): (usize, usize, Vec<usize>)| Arrow {
        from,
        to,
        by: cells.into_iter().map(|cell| column[cell]).collect(),
    };
    let arrows = std::mem::take(&mut grid.arrows).into_iter().map(arrow).collect();
    column.truncate(row.len());
    Layout { rows: grid.rows.len(), row, column, arrows, width, beyond: beyond.filter(|_| after.contains(&true)) }
}

/// The row of each step, and the first one below the division.
fn rows(edges: &Edges, after: &[bool]) -> (Vec<usize>, Option<usize>) {
    let mut row = vec![0; edges.needs.len()];
    let order = edges.order();
    let mut lowest = 0;
    for below in [false, true] {
        let floor = if below { lowest + 1 } else { 0 };
        for &step in order.iter().filter(|&&step| after[step] == below) {
            let needed = edges.needs[step].iter().map(|&need| row[need] + 1).max().unwrap_or(0);
            row[step] = needed.max(floor);
            if !below {
                lowest = lowest.max(row[step]);
            }
        }
    }
    (row, Some(lowest + 1))
}

/// The rows while their cells are moved. A cell is a step, or the place of an arrow that passes.
struct Grid {
    rows: Vec<Vec<usize>>,
    /// Cells in the row above and in the row below that each cell is tied to.
    ties: [Vec<Vec<usize>>; 2],
    /// From, to, and the cells between.
    arrows: Vec<(usize, usize, Vec<usize>)>,
    nodes: usize,
}

impl Grid {
    fn new(edges: &Edges, row: &[usize]) -> Self {
        let depth = row.iter().max().map_or(0, |last| last + 1);
        let mut grid = Self {
            rows: vec![Vec::new(); depth],
            ties: [vec![Vec::new(); row.len()], vec![Vec::new(); row.len()]],
            arrows: Vec::with_capacity(edges.count()),
            nodes: row.len(),
        };
        for (step, &row) in row.iter().enumerate() {
            grid.rows[row].push(step);
        }
        for (to, needs) in edges.needs.iter().enumerate() {
            for &from in needs.iter().filter(|&&from| row[from] < row[to]) {
                let cells: Vec<usize> = (row[from] + 1..row[to]).map(|between| grid.pass(between)).collect();
                let mut above = from;
                for &cell in cells.iter().chain([&to]) {
                    grid.ties[0][cell].push(above);
                    grid.ties[1][above].push(cell);
                    above = cell;
                }
                grid.arrows.push((from, to, cells));
            }
        }
        grid
    }

    /// A new cell of an arrow that passes `row`.
    fn pass(&mut self, row: usize) -> usize {
        let cell = self.nodes;
        self.nodes += 1;
        self.rows[row].push(cell);
        self.ties.iter_mut().for_each(|ties| ties.push(Vec::new()));
        cell
    }

    /// Orders each row by the middle of what its cells are tied to in the row before, going down or up.
    fn put_in_order(&mut self, down: bool) {
        let ties = &self.ties[usize::from(!down)];
        let mut place: HashMap<usize, usize> = HashMap::new();
        let mut order = |cells: &mut Vec<usize>| {
            let middle = |cell: &usize| {
                let tied: Vec<usize> = ties[*cell].iter().filter_map(|tied| place.get(tied).copied()).collect();
                (tied.iter().sum::<usize>() * 1000).checked_div(tied.len()).unwrap_or(usize::MAX)
            };
            cells.sort_by_cached_key(middle);
            place = cells.iter().enumerate().map(|(index, &cell)| (cell, 2 * index + cells.len() % 2)).collect();
        };
        if down {
            self.rows.iter_mut().for_each(&mut order);
        } else {
            self.rows.iter_mut().rev().for_each(&mut order);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::layout;
    use crate::plan::display::edges::Edges;

    #[test]
    fn rows_by_the_longest_way_and_the_division_below_all() {
        // 0 -> 1 -> 2 -> 4, 0 -> 3, 0 -> 4; everything after 1 stands below the division
        let edges = Edges::from(vec![vec![], vec![0], vec![1], vec![0], vec![2, 0]]);
        let free = layout(&edges, None);
        assert_eq!((free.row, free.rows, free.beyond), (vec![0, 1, 2, 1, 3], 4, None));
        let divided = layout(&edges, Some(1));
        assert_eq!((divided.row, divided.beyond), (vec![0, 1, 2, 1, 3], Some(2)));
        let long = divided.arrows.iter().find(|arrow| (arrow.from, arrow.to) == (0, 4)).unwrap();
        assert_eq!(long.by.len(), 2, "a place in each row between");
    }

    #[test]
    fn no_two_stand_in_one_place_and_a_circle_is_no_trap() {
        let edges = Edges::from(vec![vec![], vec![0], vec![0], vec![0], vec![1, 2, 3], vec![6], vec![5]]);
        let drawn = layout(&edges, None);
        let mut places: Vec<_> = drawn.row.iter().zip(&drawn.column).collect();
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), 7);
        assert!(drawn.column.iter().all(|column| column + 2 <= drawn.width));
    }
}

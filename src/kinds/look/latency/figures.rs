//! Round trips out of the moments at which a server began each statement. Pure.

use std::fmt;

/// So many round trips at the beginning do not count: caches fill, and the client gets up to speed.
pub const WARM_UP: usize = 10;

/// Round trips to one server, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    /// Half of them take less.
    pub p50: f64,
    /// 95 of 100 take less.
    pub p95: f64,
    /// 99 of 100 take less.
    pub p99: f64,
    /// All of them, by their number.
    pub mean: f64,
}

impl Figures {
    /// Reads what the client printed: one moment a line, in seconds. A client sends a statement when it has the answer to
    /// the one before, so the time between two moments is a whole round trip, by one and the same clock.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(printed: &str, samples: usize) -> Result<Self, String> {
        let moments: Result<Vec<f64>, _> = printed.split_whitespace().map(str::parse::<f64>).collect();
        let moments = moments.map_err(|_| format!("`{}` is not a time", printed.lines().next().unwrap_or_default()))?;
        let trips = moments.windows(2).map(|pair| (pair[1] - pair[0]) * 1e3);
        let mut trips: Vec<f64> = trips.skip(WARM_UP).take(samples).collect();
        if trips.len() < samples {
            return Err(format!("{} round trips were measured instead of {samples}", trips.len()));
        }
        if trips.iter().any(|trip| *trip < 0.0) {
            return Err("the server's clock was set back meanwhile".to_owned());
        }
        trips.sort_by(f64::total_cmp);
        #[allow(clippy::cast_precision_loss, reason = "a few thousand samples")]
        let mean = trips.iter().sum::<f64>() / trips.len() as f64;
        let at = |percent: usize| trips[(trips.len() * percent).div_ceil(100).max(1) - 1];
        Ok(Self { p50: at(50), p95: at(95), p99: at(99), mean })
    }

    /// How long a page waits that makes `queries` one after the other.
    pub fn page(self, queries: u32) -> f64 {
        self.mean * f64::from(queries)
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p50 {:.3} ms, p95 {:.3} ms, p99 {:.3} ms", self.p50, self.p95, self.p99)
    }
}

#[cfg(test)]
mod tests {
    use super::{Figures, WARM_UP};

    /// The warm-up at 9 ms a round trip, then 1 ms, 2 ms ... `last` ms.
    fn printed(last: u32) -> String {
        let trips = std::iter::repeat_n(9, WARM_UP).chain(1..=last);
        let mut micros: u64 = 1_795_398_414_000_000;
        let mut lines = vec![micros];
        for trip in trips {
            micros += u64::from(trip) * 1000;
            lines.push(micros);
        }
        let line = |at: &u64| format!("{}.{:06}", at / 1_000_000, at % 1_000_000);
        lines.iter().map(line).collect::<Vec<_>>().join("\n") + "\n"
    }

    #[test]
    fn percentiles_are_ranks_and_the_warm_up_does_not_count() {
        let figures = Figures::read(&printed(100), 100).unwrap();
        for (got, expected) in [(figures.p50, 50.0), (figures.p95, 95.0), (figures.p99, 99.0), (figures.mean, 50.5)] {
            assert!((got - expected).abs() < 0.01, "{figures:?}");
        }
        assert!((figures.page(20) - 1010.0).abs() < 0.1);
    }

    #[test]
    fn too_few_and_backwards_are_no_measurement() {
        assert!(Figures::read(&printed(99), 100).unwrap_err().starts_with("99 round trips"));
        assert!(Figures::read("ERROR 1045", 1).is_err());
        let backwards = "9.0 ".repeat(WARM_UP + 1) + "8.0 8.5";
        assert!(Figures::read(&backwards, 2).unwrap_err().contains("set back"));
    }
}

//! What is measured now, in the text format of Prometheus (0.0.4), which scrapers of every age and the textfile collector
//! of a node exporter read.

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, prometheus_text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use std::fmt;

/// The content type of [`Families::text`].
pub use prometheus_client::encoding::prometheus_text::CONTENT_TYPE;

/// Names and values of a sample's labels.
pub type Labels<'a> = [(&'static str, &'a str)];

/// The value of a sample.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A whole number now.
    Whole(i64),
    /// A number with a fraction now.
    Fraction(f64),
    /// How much it has become; the family's name is written with `_total` behind it.
    Count(u64),
    /// How often what was measured lay below each bound, and in no class before; the last bound is infinity.
    Classes {
        /// Sum of everything that was measured.
        sum: f64,
        /// Bounds and numbers.
        classes: Vec<(f64, u64)>,
    },
}

/// Families of samples, in the order in which they are put in. A family without samples is left out.
#[derive(Debug, Default)]
pub struct Families(Vec<Family>);

#[derive(Debug)]
struct Family {
    name: &'static str,
    help: &'static str,
    samples: Vec<(Vec<(&'static str, String)>, Value)>,
}

impl Families {
    /// Begins a family.
    pub fn family(&mut self, name: &'static str, help: &'static str) {
        self.0.push(Family { name, help, samples: Vec::new() });
    }
    /// Adds a sample to the last started family.
    pub fn sample(&mut self, labels: &Labels<'_>, value: Value) {
        let labels = labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        if let Some(family) = self.0.last_mut() {
            family.samples.push((labels, value));
        }
    }
    /// All of them.
    #[must_use]
    pub fn text(self) -> String {
        let (mut registry, mut out) = (Registry::default(), String::new());
        registry.register_collector(Box::new(self));
        // writing into a String cannot fail
        let _ = prometheus_text::encode(&mut out, &registry);
        out
    }
}

impl Collector for Families {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        for Family { name, help, samples } in &self.0 {
            let Some((_, first)) = samples.first() else { continue };
            let mut family = encoder.encode_descriptor(name, help, None, first.kind())?;
            for (labels, value) in samples {
                if labels.is_empty() {
                    value.encode(&mut family)?;
                } else {
                    value.encode(&mut family.encode_family(labels)?)?;
                }
            }
        }
        Ok(())
    }
}

impl Value {
    fn kind(&self) -> MetricType {
        match self {
            Self::Whole(_) | Self::Fraction(_) => MetricType::Gauge,
            Self::Count(_) => MetricType::Counter,
            Self::Classes { .. } => MetricType::Histogram,
        }
    }
    fn encode(&self, encoder: &mut MetricEncoder<'_>) -> fmt::Result {
        match self {
            Self::Whole(value) => encoder.encode_gauge(value),
            Self::Fraction(value) => encoder.encode_gauge(value),
            Self::Count(value) => encoder.encode_counter::<NoLabelSet, _, f64>(value, None),
            Self::Classes { sum, classes } => {
                let count = classes.iter().map(|(_, count)| count).sum();
                encoder.encode_histogram::<NoLabelSet>(*sum, count, classes, None)
            }
        }
    }
}

//! Faults that only a kind itself can find.

/// A fault that only the kind itself can find in its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// Path of the parameter below `with`, dotted: `require.write_iops`. Empty means the step as a whole.
    pub field: String,
    /// Byte range inside the parameter's string value (a template's expression), where known.
    pub range: Option<std::ops::Range<usize>>,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl Complaint {
    /// A fault of one parameter.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), range: None, message: message.into(), help: None }
    }
    /// Says what to write instead.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

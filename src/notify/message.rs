//! What a webhook is sent.

use crate::domain::{visible, visible_json};
use crate::playbook::inventory::{MessageFormat, Webhook};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A message, as the generic format sends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// What it is about: `waiting`, `failed`, `stuck`, `done`, `late`, `watch`, or `step` for a step of kind `notify`.
    pub on: String,
    /// The run, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub run: Option<String>,
    /// The schedule, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub schedule: Option<String>,
    /// Name of the playbook.
    pub playbook: String,
    /// Hash of the plan.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub plan: Option<String>,
    /// The step or block it is about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub step: Option<String>,
    /// When it happened, as RFC 3339 in UTC.
    pub at: String,
    /// Whether it is about a rehearsal.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub rehearsal: bool,
    /// It in words.
    pub text: String,
}

impl Message {
    /// The body of the request.
    #[must_use]
    pub fn body(&self, format: MessageFormat) -> String {
        match format {
            MessageFormat::Json => visible_json(json!(self).to_string()),
            // what Slack takes for markup and mentions stands escaped
            MessageFormat::Slack => {
                let text = self.text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
                visible_json(json!({ "text": visible(&text) }).to_string())
            }
        }
    }
}

/// Where a message goes. Secrets are references, and relative files of theirs are seen from the folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Target {
    pub(super) webhook: Webhook,
    pub(super) folder: String,
}

/// A time in milliseconds since 1970 as RFC 3339.
pub(super) fn rfc3339(at: i64) -> String {
    Timestamp::from_millisecond(at).map_or_else(|_| at.to_string(), |at| at.to_string())
}

#[cfg(test)]
mod tests {
    use super::Message;
    use crate::playbook::inventory::MessageFormat;

    #[test]
    fn nothing_of_a_text_is_a_mention() {
        let (on, playbook, at, text) = ("done".into(), "p".into(), "x".into(), "<!channel> a & b".into());
        let (run, schedule, plan, step) = (None, None, None, None);
        let message = Message { on, run, schedule, playbook, plan, step, at, rehearsal: false, text };
        assert_eq!(message.body(MessageFormat::Slack), r#"{"text":"&lt;!channel&gt; a &amp; b"}"#);
        assert_eq!(
            message.body(MessageFormat::Json),
            r#"{"on":"done","playbook":"p","at":"x","text":"<!channel> a & b"}"#
        );
    }
}

//! What a step noted earlier, read with its type: a note that is absent and a note that is damaged are two answers.
//!
//! An undo that takes a damaged note for an absent one drops, opens or forgets what it must not touch. So kinds read
//! their notes only here, and `clippy.toml` forbids them the untyped [`Memo::get`].

use crate::error::{Failure, Result};
use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Facts that a step must still know after the runner died: old values to restore, names of what it made.
///
/// Writes are durable in the journal before they return, so a step writes *before* it changes anything.
#[async_trait]
pub trait Memo: Send + Sync {
    /// What was written under `key`, by this run of the step or an earlier attempt. Kinds read it with its type:
    /// [`read`](#method.read), [`flag`](#method.flag) and [`keep`](#method.keep) of `dyn Memo`.
    fn get(&self, key: &str) -> Option<Value>;
    /// Writes `value` durably, replacing an earlier one.
    async fn set(&self, key: &str, value: Value) -> Result<()>;
}

impl dyn Memo + '_ {
    /// The note `key`; `None` when nothing was noted.
    ///
    /// # Errors
    /// When the note is there and does not hold a `T`. Nothing may be changed then.
    pub fn read<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        #[expect(clippy::disallowed_methods, reason = "the one place that gives it a type")]
        let Some(value) = self.get(key) else { return Ok(None) };
        serde_json::from_value(value).map(Some).map_err(|error| damaged(key, &error))
    }

    /// The value of the boolean note `key`; `false` when nothing was noted.
    ///
    /// # Errors
    /// When the note is neither `true` nor `false`.
    pub fn flag(&self, key: &str) -> Result<bool> {
        Ok(self.read(key)?.unwrap_or(false))
    }

    /// Notes `value` durably unless something was noted before: a second attempt must not take its own work for the
    /// original. Returns the note that stands.
    ///
    /// # Errors
    /// When the note that stands is damaged, or the journal takes none.
    pub async fn keep<T: Serialize + DeserializeOwned + Send>(&self, key: &str, value: T) -> Result<T> {
        if let Some(kept) = self.read(key)? {
            return Ok(kept);
        }
        self.set(key, serde_json::to_value(&value).map_err(|error| damaged(key, &error))?).await?;
        Ok(value)
    }
}

fn damaged(key: &str, error: &serde_json::Error) -> Failure {
    let answer = format!("the note `{key}` in the journal is damaged: {error}");
    Failure::permanent("read what this step noted earlier", answer).now("this step changed nothing because of it").help(
        "the journal was changed by other means, or by another version of cutover: \
             undo this step by hand (`cutover report` shows its notes), then `cutover mark-undone RUN STEP --why TEXT`",
    )
}

#[cfg(test)]
mod tests {
    use super::Memo;
    use crate::error::Result;
    use serde_json::{Value, json};
    use std::collections::HashMap;
    use std::sync::Mutex;

    #[derive(Default)]
    struct Notes(Mutex<HashMap<String, Value>>);

    #[async_trait::async_trait]
    impl Memo for Notes {
        fn get(&self, key: &str) -> Option<Value> {
            self.0.lock().unwrap().get(key).cloned()
        }
        async fn set(&self, key: &str, value: Value) -> Result<()> {
            self.0.lock().unwrap().insert(key.into(), value);
            Ok(())
        }
    }

    #[tokio::test]
    async fn absent_present_and_damaged_are_three_answers() {
        let notes = Notes::default();
        let memo: &dyn Memo = &notes;
        assert_eq!(memo.read::<Vec<String>>("databases").unwrap(), None);
        assert!(!memo.flag("begun").unwrap());
        assert_eq!(memo.keep("databases", vec!["a".to_owned()]).await.unwrap(), ["a"]);
        assert_eq!(memo.keep("databases", Vec::<String>::new()).await.unwrap(), ["a"], "the first note stands");
        for damage in [json!({}), json!("a b"), json!(null), json!([1])] {
            memo.set("databases", damage.clone()).await.unwrap();
            let failure = memo.read::<Vec<String>>("databases").unwrap_err();
            assert!(failure.answer.contains("`databases`"), "{damage}: {failure}");
            assert!(memo.keep("databases", Vec::<String>::new()).await.is_err(), "{damage}");
            memo.set("begun", damage).await.unwrap();
            assert!(memo.flag("begun").is_err());
        }
    }
}

//! The veil: everything the program prints passes here. Secrets go, and so does what a terminal or a CI runner would obey.
//!
//! One for the process, as standard output and standard error are: errors, the log and a panic know of no run.

use std::io::{self, Write};
use std::sync::{PoisonError, RwLock};

use serde_json::Value;

use crate::observation::plain::{defused, plain};
use crate::observation::redaction::Redactor;
use crate::world;

/// What is hidden; nothing is known before the first call of [`hide`].
static HIDDEN: RwLock<Option<Redactor>> = RwLock::new(None);

/// Variables of ours whose values must never be shown, not even before Render has told the service's own.
const OWN_SECRETS: [&str; 4] = ["RENDER_API_KEY", "DOMAIN_RUNNER_GIT_TOKEN", "SERVE_TOKEN", "DATABASE_URL"];

/// CI systems that read orders from what is printed, by the variable they set.
const RUNNERS: [&str; 3] = ["GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION"];

/// From now on `redactor` knows what is to be hidden.
pub fn hide(redactor: Redactor) {
    *HIDDEN.write().unwrap_or_else(PoisonError::into_inner) = Some(redactor);
}

/// Hides what the environment says is secret.
pub fn hide_own() {
    hide(Redactor::new(OWN_SECRETS.iter().filter_map(|name| world::env(name)).chain(super::counsel::keys())));
}

/// `text` without secrets and control sequences. Line feeds stay.
pub fn clean(text: &str) -> String {
    let hidden = HIDDEN.read().unwrap_or_else(PoisonError::into_inner);
    match hidden.as_ref() {
        Some(redactor) => plain(&redactor.redact(text)),
        None => plain(&Redactor::default().redact(text)),
    }
}

/// The same for every text of a document.
pub fn clean_document(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(clean(text)),
        Value::Array(items) => items.iter().map(clean_document).collect(),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, field)| (clean(name), clean_document(field))).collect())
        }
        plain => plain.clone(),
    }
}

/// Lines as they are printed: without orders to the CI runner that reads along, where there is one.
pub fn printed(text: &str) -> String {
    if RUNNERS.iter().any(|name| world::env(name).is_some()) { defused(text) } else { text.to_owned() }
}

/// The program's own log on its way to stderr.
pub struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // One call is one record: what is written is whole lines.
        io::stderr().lock().write_all(printed(&clean(&String::from_utf8_lossy(bytes))).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// A service's log on its way to stderr: JSON, one document a line, and still JSON when its secrets are out.
pub struct DocumentLog;

impl Write for DocumentLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match serde_json::from_slice::<Value>(bytes) {
            Ok(document) => {
                let line = format!("{}\n", clean_document(&document));
                io::stderr().lock().write_all(line.as_bytes())?;
                Ok(bytes.len())
            }
            Err(_) => Log.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

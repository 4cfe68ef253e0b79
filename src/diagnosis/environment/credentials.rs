//! Credentials: how SDKs say that nobody gave them a key, and which variable they would have read it from.

use super::{Missing, unset};
use crate::diagnosis::Case;
use crate::diagnosis::phrase::{Found, Phrases};

/// What SDKs read themselves, whatever the program says: the same index in [`READ_BY_SDK`].
static BY_SDK: Phrases = Phrases::new(&[
    r"(?i)default credentials were not found|could not automatically determine credentials|could not (?:load|find) (?:the )?default credentials",
    r"(?i)unable to locate credentials|could not load credentials from any providers|unable to load (?:aws )?credentials from any|NoCredentialProviders: no valid providers|MissingCredentialsError",
    r"Error: Region is missing|You must specify a region|MissingRegionError|ConfigError: Missing region",
    r"No application encryption key has been specified",
]);
/// Google's, Amazon's and Laravel's documentation name these.
const READ_BY_SDK: [&str; 4] = ["GOOGLE_APPLICATION_CREDENTIALS", "AWS_ACCESS_KEY_ID", "AWS_REGION", "APP_KEY"];

/// What a constructor calls the credential that it was not given. Which variable that is, the program decides.
static ASKED: Phrases = Phrases::new(&[
    r"DefaultCredentialsError: File (\S+) was not found",
    r#"object must contain a string "(\w+)" property"#,
    r"Neither (apiKey) nor config\.authenticator provided",
    r"AuthenticationError: No (API key) provided",
    r"Could not resolve authentication method\. Expected (?:either |one of )?(\w+)",
    r"Missing ((?:[A-Z]\w+ ){1,2}(?:Key|Token|Secret))\b",
    r"expected (token) to be a str, received NoneType",
    r"(?:An invalid|Improper) (token) (?:was provided|has been passed)",
    r"\w+Strategy requires an? ([\w ]+?)(?: option)?$",
    r"(secret) option required for sessions",
    r"^(?:\w*Error)(?: \[\w+\])?: (?:@[\w/-]+: )?((?:[A-Za-z]\w* )?\w*(?i:token|key|secret|dsn|account ?sid|client ?id)) (?:is|are) required\.?$",
]);

/// Twilio's client calls its account's id a user name, a word that others use for what visitors type in.
fn of_twilio<'t>(case: &'t Case<'_>, lines: &[usize]) -> Option<Found<'t>> {
    static SAID: Phrases = Phrases::new(&[r"^Error: (username|password) is required$"]);
    SAID.last(case, lines).filter(|_| case.mentions("/twilio/"))
}

/// The credential whose absence stopped the program: the variable where the project's own line or the SDK names it, else
/// what the SDK calls it.
pub(super) fn missing(case: &Case<'_>, lines: &[usize]) -> Option<Missing> {
    let (line, name) = match BY_SDK.last(case, lines) {
        Some(found) => (found.line, READ_BY_SDK.get(found.wording).copied()?.to_owned()),
        None => {
            let found = ASKED.last(case, lines).or_else(|| of_twilio(case, lines))?;
            let named = unset::at_the_crash(case).map(|missing| missing.variable);
            (found.line, named.unwrap_or_else(|| found.subject().to_owned()))
        }
    };
    Some(Missing { line, variable: name })
}

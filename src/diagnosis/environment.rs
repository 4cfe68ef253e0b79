//! Environment variables that a program misses: how languages and frameworks say so, and which one it is.

use super::Case;
use super::phrase::Phrases;
use super::python::settings;

pub mod credentials;
pub mod unset;

/// Fragments of which one stands in the line that tells.
pub const NEEDLES: &[&str] = &[
    "keyerror: '",
    "key not found: \"",
    "improperlyconfigured: set the",
    "the secret_key setting must not be empty",
    "undefinedvalueerror",
    "declare it as envvar",
    "field required",
    "environment variable",
    "environment variables",
    "is not defined",
    "is missing",
    "value: notpresent",
    "notpresent",
    "secretorprivatekey must have a value",
    "api_key client option must be set",
    "missing `secret_key_base`",
    "missing credentials",
    "missing api key",
    "envvarnotfound",
    "enverror",
    "environment variable not found:",
    "supabaseurl is required",
    "no api key found",
    "must be set",
    "is not set",
    "not set",
    "is required",
    "could not resolve placeholder",
    "missing required env",
    "please provide an",
    "unbound variable",
    "parameter not set",
    "expected string or url object, got none",
    "default credentials",
    "defaultcredentialserror",
    "unable to locate credentials",
    "could not load credentials",
    "novalidcredentials",
    "nocredentialproviders",
    "missingcredentialserror",
    "region is missing",
    "must specify a region",
    "missingregion",
    "missing region",
    "no application encryption key",
    "neither apikey nor",
    "no api key provided",
    "object must contain a string",
    "could not resolve authentication method",
    "missing clerk",
    "expected token to be",
    "invalid token was provided",
    "improper token",
    "strategy requires a",
    "required for sessions",
    "zoderror",
    "(required)",
    unset::NEEDLES[0],
    unset::NEEDLES[1],
];

/// Ordered: what names a variable beyond doubt comes first.
static SAYS: Phrases = Phrases::new(&[
    r#"KeyError: '([A-Z][A-Z0-9_]{2,})'"#,
    r#"key not found: "([A-Z][A-Z0-9_]+)""#,
    r#"Set the ([A-Z][A-Z0-9_]+) environment variable"#,
    r"(?:UndefinedValueError: )?([A-Z][A-Z0-9_]+) not found\. Declare it as envvar",
    r#"[Ee]nvironment variable not found: ([A-Z][A-Z0-9_]+)"#,
    r#"(?:EnvError|EnvironmentError)[^:]*: (?:Environment variable )?"?'?([A-Z][A-Z0-9_]{2,})"?'? (?:not set|invalid)"#,
    r#"[Ee]nvironment variable:? ["'`]?([A-Z][A-Z0-9_]{2,})["'`]? (?:is |was |must be |not )"#,
    r#"[Ee]nv(?:ironment)? var(?:iable)?s?[^A-Za-z]{1,3}["'`]?([A-Z][A-Z0-9_]{2,})["'`]?"#,
    r#"["'`]?\b([A-Z][A-Z0-9]*_[A-Z0-9_]+)["'`]? (?:environment variable |env var |config )?(?:is |was |has )?(?:not (?:been )?(?:set|defined|provided|configured|found)|required|missing|undefined|must be (?:set|defined|provided)|is required|must be non-empty)"#,
    r#"["'`]?\b([A-Z][A-Z0-9]*_[A-Z0-9_]+)["'`]? (?:environment variable |env var )?must (?:be (?:set|defined|provided)|have a value)"#,
    r#"(?i:missing|required|please set|you must set|please define|please provide)(?i: required| the| an?| your)?(?i: environment| env)?(?i: variables?| vars?| config)?:? ["'`]?([A-Z][A-Z0-9]*_[A-Z0-9_]+)\b"#,
    r#"([A-Z][A-Z0-9_]{2,}): (?:unbound variable|parameter not set)"#,
    r"Could not resolve placeholder '([\w.\-]+)'",
    r#"(?:called `Result::unwrap\(\)` on an `Err` value|([A-Z][A-Z0-9_]{2,})[^:]*): NotPresent"#,
    r"(?:The (SECRET_KEY) setting must not be empty|Missing `(secret_key_base)`)",
    r"(?i)(secretOrPrivateKey) must have a value|(api_key) client option must be set|(supabaseUrl) is required|Please provide an (application ID)|Missing (credentials|API key)|No (API key) found",
]);
static FIELD: Phrases = Phrases::new(&[r"^\s+(?:Field required|field required|none is not an allowed value)"]);
static FIELD_NAME: Phrases = Phrases::new(&[r"^([A-Za-z_][\w.]*)\s*$"]);
static ERRORS_FOR: Phrases =
    Phrases::new(&[r"validation errors? for (\w*(?:Settings|Config|Configuration|Env|Environment)\w*)"]);
/// Programs that check all their variables at once (zod, envalid, t3-env) name them below a headline.
static CHECKED: Phrases =
    Phrases::new(&[r"ZodError|(?i:(?:invalid|missing) environment variables|environment validation (?:failed|error))"]);
static CHECKED_NAME: Phrases = Phrases::new(&[
    r#"^\s*["']?path["']?: ?\[ ?["']([A-Z][A-Z0-9_]{2,})["']"#,
    r#"^\s*["']([A-Z][A-Z0-9]*_[A-Z0-9_]+)["'],?$"#,
    r#"^\s*["']?([A-Z][A-Z0-9]*_[A-Z0-9_]+)["']?: (?:undefined\b|\[? ?["']?Required|eg\.)"#,
]);
/// From the headline down to the first name.
const CHECKED_LINES: usize = 15;
static OPEN_AI: Phrases = Phrases::new(&[r"environment variable|env var"]);
static IN_TEXT: Phrases = Phrases::new(&[r"\b([A-Z][A-Z0-9]*_[A-Z0-9_]+)\b"]);

/// A variable that a program asked for in vain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Index of the line that says so.
    pub line: usize,
    pub variable: String,
}

/// The missing variable that stopped the program.
pub fn missing(case: &Case<'_>, lines: &[usize]) -> Option<Missing> {
    if let Some(found) = FIELD.last(case, lines)
        && let Some(class) = ERRORS_FOR.above(case, found.line, 40)
    {
        // The first of several: the one whose name stands nearest under the headline.
        let first =
            lines.iter().copied().find(|at| ERRORS_FOR.above(case, *at, 40).is_some() && FIELD.fits(case.text(*at)))?;
        let first = if found.line - first < 40 { first } else { found.line };
        let field = FIELD_NAME.above(case, first, 1)?;
        return Some(Missing { line: field.line, variable: settings::variable_of(case, &class[1], &field[1]) });
    }
    if let Some(headline) = CHECKED.first(case, lines)
        && let Some(named) = CHECKED_NAME.below(case, headline.line, CHECKED_LINES)
    {
        return Some(Missing { line: named.line, variable: named.subject().to_owned() });
    }
    for found in SAYS.last_of_each(case, lines) {
        if is_noise(case.text(found.line)) {
            continue;
        }
        let mut variable = found.subject().to_owned();
        let vague = variable.is_empty()
            || !variable.contains('_')
            || variable.contains(' ')
            || variable.starts_with(|c: char| c.is_ascii_lowercase());
        if vague
            && OPEN_AI.fits(case.text(found.line))
            && let Some(named) = IN_TEXT.on(case, found.line)
        {
            variable = named[1].to_owned();
        }
        if variable.is_empty() {
            continue;
        }
        return Some(Missing { line: found.line, variable });
    }
    credentials::missing(case, lines)
}

/// Lines that speak of variables in healthy logs, or quote the Dockerfile or the program's own text.
fn is_noise(line: &str) -> bool {
    let low = line.to_ascii_lowercase();
    [
        "warn",
        "nameerror",
        "referenceerror",
        "debconf",
        "deprecat",
        ">>>",
        "if not set",
        "defaulting",
        "default is",
        "term environment",
        "term is not set",
        "raise ",
        "console.",
        "locale",
        "optional",
        "for more info",
        "collecting ",
        "requirement already",
        "_path is not set",
        "debug:",
        "gyp ",
        "using default",
        "falling back",
        "javascript",
        "cmake",
    ]
    .iter()
    .any(|mark| low.contains(mark))
        || line.trim_start().starts_with(['#', '>', '+', '-'])
}

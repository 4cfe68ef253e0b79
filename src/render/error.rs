//! What can go wrong with the API, whether to try again, and what a person may do about it.

use std::fmt;

/// What every call of the client gives back.
pub type Result<T> = std::result::Result<T, RenderError>;

/// Why a call failed. No variant ever holds the API key or the value of an environment variable.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    #[error("refused to send the API key to `{url}` without TLS")]
    InsecureUrl { url: String },
    #[error("the API address `{url}` is not usable: {why}")]
    BadUrl { url: String, why: String },
    #[error("the API key is not usable: {why}")]
    BadKey { why: &'static str },
    #[error("failed to set up the HTTP client")]
    Setup { source: reqwest::Error },

    #[error("Render refused the API key: {message}")]
    Unauthorized { message: String },
    #[error("Render does not allow this API key to read or change {what}: {message}")]
    Forbidden { what: String, message: String },
    #[error("Render could not find {what}{}", Suggestion(similar))]
    NotFound { what: String, similar: Vec<String> },
    #[error("{} services are called `{name}`: {}", ids.len(), ids.join(", "))]
    Ambiguous { name: String, ids: Vec<String> },
    #[error("too many requests to Render for {what}")]
    RateLimited {
        what: String,
        /// How long Render asked to wait, where it said so.
        wait_s: Option<u64>,
    },
    #[error("Render cannot do that to {what} now: {message}")]
    Conflict { what: String, message: String },
    /// Any other 4xx.
    #[error("Render rejected the request for {what} (HTTP {status}): {message}")]
    Rejected { what: String, status: u16, message: String },
    #[error("Render failed on {what} (HTTP {status}): {message}")]
    Server { what: String, status: u16, message: String },
    /// Never followed: the key belongs to one host.
    #[error("`{url}` redirects to `{location}`, which was not followed")]
    Redirected { url: String, location: String },

    #[error("failed to reach Render at `{url}`")]
    Unreachable { url: String, source: reqwest::Error },
    #[error("Render did not answer {what} within {after_ms} ms")]
    TimedOut { what: String, after_ms: u64 },
    #[error("the answer to {what} is larger than {limit_bytes} bytes")]
    TooLarge { what: String, limit_bytes: usize },
    #[error("the answer to {what} could not be understood: {excerpt}")]
    Undecodable {
        what: String,
        /// Its beginning; a note instead where the answer holds secrets.
        excerpt: String,
        /// The text stopped in the middle, so that asking again may help.
        truncated: bool,
    },
}

impl RenderError {
    /// The same call may well succeed a little later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::RateLimited { .. } | Self::TimedOut { .. } | Self::Unreachable { .. } => true,
            Self::Server { status, .. } => *status != 501,
            Self::Rejected { status, .. } => *status == 408,
            Self::Undecodable { truncated, .. } => *truncated,
            _ => false,
        }
    }

    /// The request may have had its effect although no good answer came back.
    ///
    /// Refused connections and refused requests (4xx) certainly had none.
    pub fn may_have_acted(&self) -> bool {
        match self {
            Self::Server { .. } | Self::TimedOut { .. } | Self::TooLarge { .. } | Self::Undecodable { .. } => true,
            Self::Unreachable { source, .. } => !source.is_connect(),
            Self::Rejected { status, .. } => *status == 408,
            _ => false,
        }
    }

    /// What a person may do next, as one sentence.
    pub fn hint(&self) -> String {
        match self {
            Self::InsecureUrl { .. } => "use https://; plain http:// is for loopback addresses only".to_owned(),
            Self::BadUrl { .. } => {
                "give the whole base address, such as https://api.render.com/v1, in --api-url or RENDER_HOST".to_owned()
            }
            Self::BadKey { .. } | Self::Unauthorized { .. } => {
                "create a key at https://dashboard.render.com/u/settings#api-keys and export it as RENDER_API_KEY"
                    .to_owned()
            }
            Self::Setup { .. } => "check that the system's CA certificates are installed".to_owned(),
            Self::Forbidden { .. } => "use the API key of a member of the workspace that owns the service".to_owned(),
            Self::NotFound { similar, .. } => match similar.first() {
                Some(name) => format!("did you mean `{name}`?"),
                None => "check the name or id, and that the API key reaches its workspace".to_owned(),
            },
            Self::Ambiguous { .. } => "name the service by its id".to_owned(),
            Self::RateLimited { wait_s: Some(wait_s), .. } => format!("try again in {wait_s} s"),
            Self::RateLimited { wait_s: None, .. } => "try again in a minute".to_owned(),
            Self::Conflict { .. } => "see on the dashboard whether the service is suspended or deploying".to_owned(),
            Self::Rejected { status: 402, .. } => "add a payment method on the dashboard".to_owned(),
            Self::Rejected { .. } => "see https://api-docs.render.com for what this call accepts".to_owned(),
            Self::Server { .. } | Self::TimedOut { .. } => "see https://status.render.com, and try again".to_owned(),
            Self::Redirected { .. } => "set the API address to where the API really is".to_owned(),
            Self::Unreachable { .. } => "check the network, the proxy settings and the API address".to_owned(),
            Self::TooLarge { .. } | Self::Undecodable { .. } => {
                "check that the API address is Render's and nothing rewrites its answers".to_owned()
            }
        }
    }
}

/// Names that were close, as the end of a sentence; nothing where there are none.
struct Suggestion<'a>(&'a [String]);

impl fmt::Display for Suggestion<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => Ok(()),
            names => write!(f, "; similar names: {}", names.join(", ")),
        }
    }
}

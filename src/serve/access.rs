//! Who may spend money and read answers: whoever has the token; anyone, if the operator says so or nobody else can reach us.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::app::App;
use super::problem::Problem;

/// What the routes that ask models or show answers demand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// The bearer token with this digest. Digests have one length, so that comparing tells nothing of the token's.
    Token([u8; 32]),
    /// Nothing.
    Anyone,
    /// Nothing but to come from this machine: bound to loopback, without a token.
    Loopback,
    /// Nobody: reachable from outside, and no token is set.
    Closed,
}

impl Access {
    /// A token always counts; without one, only loopback or the operator's word opens.
    pub fn new(token: Option<&str>, no_auth: bool, bound_to: IpAddr) -> Self {
        match token {
            Some(token) => Self::Token(digest(token)),
            None if no_auth => Self::Anyone,
            None if bound_to.is_loopback() => Self::Loopback,
            None => Self::Closed,
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Token(_) => "token",
            Self::Anyone => "anyone",
            Self::Loopback => "loopback",
            Self::Closed => "closed",
        }
    }

    fn check(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let token = match self {
            Self::Anyone => return Ok(()),
            Self::Loopback => return same_machine(headers),
            Self::Closed => {
                let detail = "this server is reachable from outside and has no token, so it asks no models. Set SERVE_TOKEN \
                              and send it as `Authorization: Bearer …`; or set SERVE_NO_AUTH=1 to let anyone in; or bind it \
                              with `--host 127.0.0.1`";
                return Err(Problem::new(StatusCode::FORBIDDEN, "no-token-set", detail));
            }
            Self::Token(token) => token,
        };
        let refused = |detail: &str| Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail));
        let Some(given) = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(bearer) else {
            return refused("send the server's token as `Authorization: Bearer …`");
        };
        if bool::from(digest(given).ct_eq(token)) { Ok(()) } else { refused("this is not the server's token") }
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// A page of the web can make a browser on this machine ask us under a name of its own (DNS rebinding): the name tells.
fn same_machine(headers: &HeaderMap) -> Result<(), Problem> {
    let host = headers.get(HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let local = name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    if local {
        return Ok(());
    }
    let detail = "without SERVE_TOKEN only this machine may ask, by the name `localhost` or `127.0.0.1`";
    Err(Problem::new(StatusCode::FORBIDDEN, "not-this-machine", detail))
}

/// Lets in who may.
pub async fn guarded(State(app): State<App>, request: Request, next: Next) -> Response {
    match app.access.check(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_token_only_loopback_or_the_operators_word_opens() {
        let at = |token, no_auth, ip: &str| Access::new(token, no_auth, ip.parse().expect("an address"));
        assert_eq!(at(None, false, "0.0.0.0"), Access::Closed);
        assert_eq!(at(None, false, "127.0.0.1"), Access::Loopback);
        assert_eq!(at(None, false, "::1"), Access::Loopback);
        assert_eq!(at(None, true, "0.0.0.0"), Access::Anyone);
        for no_auth in [false, true] {
            assert_eq!(at(Some("t"), no_auth, "127.0.0.1").name(), "token");
        }
    }

    #[test]
    fn names_of_this_machine_are_its_own() {
        let named = |host: &str| same_machine(&[(HOST, host.parse().expect("a value"))].into_iter().collect()).is_ok();
        for host in ["localhost", "localhost:8080", "127.0.0.1:1", "[::1]:8080", "LOCALHOST:80"] {
            assert!(named(host), "{host}");
        }
        for host in ["evil.example", "evil.example:8080", "localhost.evil.example", "10.0.0.1:8080", ""] {
            assert!(!named(host), "{host}");
        }
    }
}

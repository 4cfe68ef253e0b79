//! Faults on request: what goes wrong between Render and its client, how often, and on which calls.
//!
//! ```text
//! SPEC   ITEM[,ITEM…]                    5xx=20%,drop=every7@POST,skew=-5h
//! ITEM   NAME[=HOW-OFTEN][@SCOPE]        for the faults that strike single calls
//!        NAME[=VALUE]                    for those that hold all the time
//! HOW-OFTEN   20% of the calls at random · every7 · first2 · every call when left out
//! SCOPE       words joined by `+`: a method in capitals, a segment of the path: @POST+deploys, @logs
//! ```
//! The words stand in [`Fault::ALL`] and in [`Faults::parse`]. The same seed strikes the same calls.

use std::str::FromStr;
use std::time::Duration;

use axum::http::Method;
use fastrand::Rng;
use jiff::SignedDuration;

/// One way in which a single call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Answered with 500, 502, 503 or 504, without effect.
    ServerError,
    /// 429 with `Ratelimit-*` headers, as Render's.
    RateLimit,
    /// 429 without any header that says for how long.
    RateLimitBare,
    /// 429 with `Retry-After` and nothing else.
    RetryAfter,
    /// No answer at all, and no effect: the client's patience ends it.
    Silence,
    /// The connection ends before the call is read: no effect.
    Drop,
    /// The call has its effect; half of its answer is sent, then the connection ends.
    Half,
    /// The call has its effect; its answer comes in small pieces.
    Drip,
    /// 401 in plain text, though the key is right.
    Unauthorized,
    /// An order to deploy is answered with 202 and an empty body.
    Accepted,
    /// An order to deploy has its effect, and its answer is lost.
    Lost,
    /// A page of the log is followed by one that repeats its end.
    LogsOverlap,
    /// A page of the log comes empty, as if there were no more.
    LogsMissing,
    /// The newest deploy is not in the list.
    Unlisted,
    /// A deploy that there is answers 404.
    Gone,
}

impl Fault {
    /// Every fault with its word.
    pub const ALL: [(&'static str, Self); 15] = [
        ("5xx", Self::ServerError),
        ("429", Self::RateLimit),
        ("429-bare", Self::RateLimitBare),
        ("429-retry-after", Self::RetryAfter),
        ("silence", Self::Silence),
        ("drop", Self::Drop),
        ("half", Self::Half),
        ("drip", Self::Drip),
        ("401", Self::Unauthorized),
        ("202", Self::Accepted),
        ("lost", Self::Lost),
        ("logs-overlap", Self::LogsOverlap),
        ("logs-missing", Self::LogsMissing),
        ("unlisted", Self::Unlisted),
        ("gone", Self::Gone),
    ];

    /// Whether such a call can have this fault.
    fn concerns(self, method: &Method, path: &str) -> bool {
        let mut tail = path.rsplit('/');
        let last = tail.next();
        match self {
            Self::Accepted | Self::Lost => method == Method::POST && last == Some("deploys"),
            Self::LogsOverlap | Self::LogsMissing => path == "/v1/logs",
            Self::Unlisted => method == Method::GET && last == Some("deploys"),
            Self::Gone => method == Method::GET && tail.next() == Some("deploys"),
            _ => true,
        }
    }
}

/// How often a fault strikes, of the calls in its scope.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum HowOften {
    Always,
    /// At random, with this chance.
    Chance(f64),
    /// Every so many-th call.
    Every(u32),
    /// The first so many calls.
    First(u32),
}

/// A fault with its frequency and the calls it is for.
#[derive(Debug, Clone, PartialEq)]
pub struct Strike {
    pub fault: Fault,
    pub how_often: HowOften,
    /// Methods in capitals and path segments; all must fit.
    pub scope: Vec<String>,
}

impl Strike {
    pub fn new(fault: Fault, how_often: HowOften) -> Self {
        Self { fault, how_often, scope: Vec::new() }
    }

    fn fits(&self, method: &Method, path: &str) -> bool {
        let fits = |word: &String| match word.chars().all(|c| c.is_ascii_uppercase()) {
            true => method.as_str() == word,
            false => path.split('/').any(|segment| segment == word),
        };
        self.fault.concerns(method, path) && self.scope.iter().all(fits)
    }
}

/// Faults on request, for tests of clients.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Faults {
    pub strikes: Vec<Strike>,
    pub seed: u64,
    /// Refuses calls over Render's limits, rather than only counting them.
    pub enforce_limits: bool,
    /// A 401 for a wrong key is the plain text `unauthorized`.
    pub plain_unauthorized: bool,
    /// Optional fields are null rather than absent.
    pub nulls: bool,
    /// A log socket goes dead after so many frames.
    pub socket_frames_max: Option<u32>,
    /// Log lines come glued to the next one, and some with an earlier time than the line before.
    pub scrambled_logs: bool,
    /// Events can be seen only so long after they happened.
    pub events_late: Duration,
    /// How far this Render's clock is ahead of the machine's. Fixed for the sandbox's life.
    pub clock_skew: SignedDuration,
}

impl Faults {
    /// Reads a SPEC as the module describes it; empty means no faults.
    ///
    /// # Errors
    /// In words for a person, when it is none.
    pub fn parse(spec: &str, seed: u64) -> Result<Self, String> {
        let mut faults = Self { seed, ..Self::default() };
        for item in spec.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            let (rest, scope) = item.split_once('@').unwrap_or((item, ""));
            let (name, value) = rest.split_once('=').unwrap_or((rest, ""));
            let bad = || format!("`{value}` does not go with the fault `{name}`");
            match name {
                "limits" => faults.enforce_limits = true,
                "plain-401" => faults.plain_unauthorized = true,
                "nulls" => faults.nulls = true,
                "scrambled" => faults.scrambled_logs = true,
                "socket-dies" => faults.socket_frames_max = Some(value.parse().map_err(|_| bad())?),
                "skew" => faults.clock_skew = value.parse().map_err(|_| bad())?,
                "events-late" => {
                    let late: SignedDuration = value.parse().map_err(|_| bad())?;
                    faults.events_late = late.try_into().map_err(|_| bad())?;
                }
                _ => {
                    let known = Fault::ALL.iter().find(|(word, _)| *word == name);
                    let (_, fault) = known.ok_or_else(|| format!("`{name}` is no fault"))?;
                    let scope = scope.split('+').filter(|word| !word.is_empty()).map(str::to_owned).collect();
                    let how_often = value.parse().map_err(|()| bad())?;
                    faults.strikes.push(Strike { fault: *fault, how_often, scope });
                }
            }
        }
        Ok(faults)
    }
}

impl FromStr for HowOften {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let count = |text: &str| text.parse().ok().filter(|count| *count > 0).ok_or(());
        if text.is_empty() {
            Ok(Self::Always)
        } else if let Some(percent) = text.strip_suffix('%') {
            let percent: f64 = percent.parse().map_err(|_| ())?;
            if (0.0..=100.0).contains(&percent) { Ok(Self::Chance(percent / 100.0)) } else { Err(()) }
        } else if let Some(every) = text.strip_prefix("every") {
            Ok(Self::Every(count(every)?))
        } else {
            Ok(Self::First(count(text.strip_prefix("first").ok_or(())?)?))
        }
    }
}

/// Decides for each call what goes wrong with it.
#[derive(Debug)]
pub(super) struct Fate {
    strikes: Vec<(Strike, u32, Rng)>,
}

impl Fate {
    pub(super) fn of(faults: &Faults) -> Self {
        let seeded = |(nth, strike): (usize, &Strike)| {
            // Each has dice of its own: one fault more changes nothing for the others.
            (strike.clone(), 0, Rng::with_seed(faults.seed.wrapping_mul(0x9e37_79b9).wrapping_add(nth as u64)))
        };
        Self { strikes: faults.strikes.iter().enumerate().map(seeded).collect() }
    }

    /// What strikes the next such call.
    pub(super) fn next(&mut self, method: &Method, path: &str) -> Struck {
        let mut struck = Vec::new();
        for (strike, calls, dice) in self.strikes.iter_mut().filter(|(strike, ..)| strike.fits(method, path)) {
            *calls += 1;
            let hit = match strike.how_often {
                HowOften::Always => true,
                HowOften::Chance(chance) => dice.f64() < chance,
                HowOften::Every(every) => calls.is_multiple_of(every),
                HowOften::First(first) => *calls <= first,
            };
            if hit {
                struck.push(strike.fault);
            }
        }
        Struck(struck)
    }
}

/// What goes wrong with one call.
#[derive(Debug, Clone, Default)]
pub(super) struct Struck(Vec<Fault>);

impl Struck {
    pub(super) fn by(&self, fault: Fault) -> bool {
        self.0.contains(&fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(spec: &str, seed: u64, method: &Method, path: &str) -> Vec<bool> {
        let mut fate = Fate::of(&Faults::parse(spec, seed).unwrap());
        (0..6).map(|_| !fate.next(method, path).0.is_empty()).collect()
    }

    #[test]
    fn a_spec_says_what_how_often_and_where() {
        let deploys = "/v1/services/srv-1/deploys";
        for (spec, method, path, expected) in [
            ("5xx", Method::GET, "/v1/users", [true; 6]),
            ("5xx=every3", Method::GET, "/v1/users", [false, false, true, false, false, true]),
            ("drop=first2@POST+deploys", Method::POST, deploys, [true, true, false, false, false, false]),
            ("drop=first2@POST+deploys", Method::GET, deploys, [false; 6]),
            ("drop@events", Method::GET, deploys, [false; 6]),
            ("lost", Method::GET, deploys, [false; 6]),
            ("lost", Method::POST, deploys, [true; 6]),
            ("gone", Method::GET, deploys, [false; 6]),
            ("gone", Method::GET, "/v1/services/srv-1/deploys/dep-1", [true; 6]),
            ("half=0%", Method::GET, deploys, [false; 6]),
        ] {
            assert_eq!(hits(spec, 1, &method, path), expected, "{spec} {method} {path}");
        }
    }

    #[test]
    fn one_seed_strikes_the_same_calls() {
        let strikes = |seed| hits("5xx=50%", seed, &Method::GET, "/v1/users");
        assert_eq!(strikes(7), strikes(7));
        assert!((0..20).any(|seed| strikes(seed) != strikes(7)));
    }

    #[test]
    fn what_is_no_spec_is_refused_in_words() {
        for spec in ["6xx", "5xx=often", "5xx=120%", "5xx=every0", "skew=tomorrow", "events-late=-3s", "socket-dies"] {
            assert!(Faults::parse(spec, 0).is_err(), "{spec}");
        }
        let whole = Faults::parse("nulls, skew=-5h,events-late=2s,socket-dies=3", 9).unwrap();
        assert_eq!((whole.nulls, whole.clock_skew), (true, SignedDuration::from_hours(-5)));
        assert_eq!((whole.events_late, whole.socket_frames_max, whole.seed), (Duration::from_secs(2), Some(3), 9));
    }
}

//! Query parameters: arrays in both styles, times, patterns, and pages by cursor (contract §2).

use jiff::Timestamp;
use regex::Regex;
use serde_json::{Value, json};

use super::answer::ApiError;

/// Items on a page when nobody says otherwise (contract §2).
const LIMIT_DEFAULT: usize = 20;
const LIMIT_MAX: usize = 100;

/// The parameters of one request, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Params(pub Vec<(String, String)>);

impl Params {
    pub(super) fn one(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// `k=a&k=b` and `k=a,b` alike: Render's document asks for one, its SDK sends the other.
    pub(super) fn many(&self, name: &str) -> Vec<String> {
        let values = self.0.iter().filter(|(key, _)| key == name).flat_map(|(_, value)| value.split(','));
        values.filter(|value| !value.is_empty()).map(str::to_owned).collect()
    }

    /// Free text, in which a comma is a comma.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
    }

    pub(super) fn time(&self, name: &str) -> Result<Option<Timestamp>, ApiError> {
        let Some(text) = self.one(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| ApiError::BadRequest(format!("invalid {name}: {text}")))
    }

    pub(super) fn limit(&self) -> Result<usize, ApiError> {
        let Some(text) = self.one("limit") else { return Ok(LIMIT_DEFAULT) };
        match text.parse() {
            Ok(limit @ 1..=LIMIT_MAX) => Ok(limit),
            _ => Err(ApiError::Coded("invalid_limit", format!("invalid limit: {text}"))),
        }
    }

    /// Whether a time lies between `<name>After` and `<name>Before`.
    pub(super) fn within(&self, name: &str, time: Option<Timestamp>) -> Result<bool, ApiError> {
        let (after, before) = (self.time(&format!("{name}After"))?, self.time(&format!("{name}Before"))?);
        Ok(after.is_none_or(|after| time.is_some_and(|time| time > after))
            && before.is_none_or(|before| time.is_some_and(|time| time < before)))
    }

    /// The page of `items` that `cursor` and `limit` ask for, each as `{"<thing>": …, "cursor": …}`.
    pub(super) fn page(&self, thing: &str, items: Vec<(String, Value)>) -> Result<Value, ApiError> {
        let limit = self.limit()?;
        let skipped = match self.one("cursor") {
            None => 0,
            Some(wanted) => {
                let place = items.iter().position(|(key, _)| cursor(key) == wanted);
                place
                    .map(|place| place + 1)
                    .ok_or_else(|| ApiError::Coded("invalid_cursor", "invalid cursor".into()))?
            }
        };
        let page = items.into_iter().skip(skipped).take(limit);
        Ok(page.map(|(key, item)| json!({thing: item, "cursor": cursor(&key)})).collect())
    }
}

/// An opaque mark that depends on nothing but the item.
fn cursor(key: &str) -> String {
    let digest = key
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("AUz{digest:016x}{:02x}", key.len())
}

/// A wanted value: plain, with `*` wildcards, or `/regex/` (contract §6).
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    whole: Regex,
    anywhere: Regex,
}

impl Pattern {
    pub(super) fn parse(text: &str) -> Result<Self, ApiError> {
        let body = match text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) {
            Some(expression) if !expression.is_empty() => expression.to_owned(),
            _ => text.split('*').map(regex::escape).collect::<Vec<_>>().join(".*"),
        };
        let compile =
            |text: String| Regex::new(&text).map_err(|error| ApiError::BadRequest(format!("invalid filter: {error}")));
        Ok(Self { whole: compile(format!("^(?:{body})$"))?, anywhere: compile(format!("(?i){body}"))? })
    }

    pub(super) fn matches(&self, value: &str) -> bool {
        self.whole.is_match(value)
    }

    pub(super) fn occurs_in(&self, text: &str) -> bool {
        self.anywhere.is_match(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(pairs: &[(&str, &str)]) -> Params {
        Params(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn both_array_styles_are_read_alike() {
        assert_eq!(params(&[("status", "live"), ("status", "queued")]).many("status"), ["live", "queued"]);
        assert_eq!(params(&[("status", "live,queued")]).many("status"), ["live", "queued"]);
    }

    #[test]
    fn cursors_walk_a_list_and_every_item_has_one() {
        let items: Vec<_> = (0..5).map(|n| (n.to_string(), json!(n))).collect();
        let first = params(&[("limit", "3")]).page("n", items.clone()).unwrap();
        let last = first[2]["cursor"].as_str().unwrap();
        let second = params(&[("limit", "3"), ("cursor", last)]).page("n", items.clone()).unwrap();
        assert_eq!(second.as_array().unwrap().len(), 2);
        assert_eq!((&second[0]["n"], &second[1]["n"]), (&json!(3), &json!(4)));
        let end = second[1]["cursor"].as_str().unwrap();
        assert_eq!(params(&[("cursor", end)]).page("n", items.clone()).unwrap(), json!([]));
        assert!(params(&[("cursor", "none")]).page("n", items).is_err());
    }

    #[test]
    fn patterns_know_wildcards_and_expressions() {
        for (pattern, value, expected) in
            [("app", "app", true), ("app", "apps", false), ("5*", "502", true), ("/5\\d+/", "502", true)]
        {
            assert_eq!(Pattern::parse(pattern).unwrap().matches(value), expected, "{pattern} {value}");
        }
    }
}

//! The spellings that programs give a value: as it is, in a URL, in JSON, in base64 with something before it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// Base64 says as little as this about a short value; more of it would be chance.
const BASE64_CHARS_MIN: usize = 10;

/// All spellings of `value` that are at least `chars_min` long.
pub(super) fn of(value: &str, chars_min: usize) -> Vec<String> {
    let value = value.trim();
    if value.len() < chars_min {
        return vec![];
    }
    let json = serde_json::Value::from(value).to_string();
    let json = json.trim_matches('"').to_owned();
    let mut all = vec![
        value.to_owned(),
        // As it would be in a string in a string.
        json.replace('\\', "\\\\"),
        json,
        utf8_percent_encode(value, NON_ALPHANUMERIC).to_string(),
        in_url(value),
        in_url(value).replace("%20", "+"),
        value.replace('\'', "'\\''"),
    ];
    // A key file as a variable: a log shows some of its lines. A line of it is as secret as the whole.
    all.extend(
        value.lines().map(str::trim).filter(|line| line.len() >= 16 && !line.starts_with("-----")).map(str::to_owned),
    );
    for before in 0..3 {
        let bytes = [&vec![0; before], value.as_bytes()].concat();
        for engine in [&STANDARD, &URL_SAFE] {
            let text = engine.encode(&bytes);
            // Signs that bytes before or behind the value have a say in are left out.
            let (first, last) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
            all.extend(text.get(first..last).filter(|text| text.len() >= BASE64_CHARS_MIN).map(str::to_owned));
        }
    }
    all.retain(|spelling| spelling.len() >= chars_min);
    all.sort();
    all.dedup();
    all
}

/// As `encodeURIComponent` writes it.
fn in_url(value: &str) -> String {
    const UNRESERVED: &percent_encoding::AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'_')
        .remove(b'.')
        .remove(b'~')
        .remove(b'!')
        .remove(b'*')
        .remove(b'\'')
        .remove(b'(')
        .remove(b')');
    utf8_percent_encode(value, UNRESERVED).to_string()
}

//! Durations as people type them: `500ms`, `5s`, `2m`, `1h 30m`; a bare number is seconds.

use std::time::Duration;

/// Reads a duration for clap.
pub fn parse(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string());
    }
    let signed: jiff::SignedDuration =
        text.parse().map_err(|_| format!("`{text}` is no duration: write 500ms, 5s, 2m, or seconds as a number"))?;
    Duration::try_from(signed).map_err(|_| "a duration cannot be negative".to_owned())
}

/// `4.2s`, `1m 19s`.
pub fn show(duration_ms: u64) -> String {
    match duration_ms {
        0..60_000 => format!("{}.{}s", duration_ms / 1_000, duration_ms % 1_000 / 100),
        _ => format!("{}m {:02}s", duration_ms / 60_000, duration_ms % 60_000 / 1_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_type_them() {
        for (text, ms) in
            [("500ms", 500), ("5s", 5_000), ("2m", 120_000), ("7", 7_000), ("0.5", 500), ("1h 30m", 5_400_000)]
        {
            assert_eq!(parse(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        assert!(parse("soon").is_err() && parse("-3").is_err());
    }
}

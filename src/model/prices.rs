//! What an answer costs, by a table with a date. A price that is not in it is unknown, which is not the same as nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::exchange::Usage;
use super::provider::Provider;

const TABLE: &str = include_str!("prices.toml");

/// What a million tokens cost, in millionths of a dollar: whole numbers, so that sums are exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    #[serde(rename = "input", deserialize_with = "micros")]
    pub input_usd_micros: u64,
    #[serde(rename = "output", deserialize_with = "micros")]
    pub output_usd_micros: u64,
}

impl Price {
    /// The cost of `usage` in millionths of a dollar, rounded up: a budget must not be exceeded by fractions.
    pub fn cost_usd_micros(self, usage: Usage) -> u64 {
        let of = |tokens: u64, price: u64| u128::from(tokens) * u128::from(price);
        let sum = of(usage.input_tokens, self.input_usd_micros) + of(usage.output_tokens, self.output_usd_micros);
        u64::try_from(sum.div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }
}

fn micros<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let dollars = f64::deserialize(deserializer)?;
    if !(0.0..=1_000_000.0).contains(&dollars) {
        return Err(serde::de::Error::custom("a price in dollars is from 0 to 1,000,000"));
    }
    Ok((dollars * 1_000_000.0).round() as u64)
}

/// Prices by provider and model.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Prices {
    /// The day they were looked up.
    pub as_of: String,
    #[serde(flatten)]
    by_provider: BTreeMap<Provider, BTreeMap<String, Price>>,
}

impl Prices {
    /// Those this program comes with.
    pub fn built_in() -> Self {
        toml::from_str(TABLE).expect("`prices.toml` is part of the program and tested")
    }

    /// With those of `text`, which win.
    pub fn with(mut self, text: &str) -> Result<Self, toml::de::Error> {
        let theirs: Self = toml::from_str(text)?;
        for (provider, prices) in theirs.by_provider {
            self.by_provider.entry(provider).or_default().extend(prices);
        }
        self.as_of = theirs.as_of;
        Ok(self)
    }

    /// The price of `model`; of a dated snapshot (`…-2026-03-17`, `…-20251001`) that of the model it is one of.
    pub fn of(&self, provider: Provider, model: &str) -> Option<Price> {
        let prices = self.by_provider.get(&provider)?;
        prices.get(model).or_else(|| prices.get(undated(model)?)).copied()
    }
}

/// `gpt-5.4-mini` of `gpt-5.4-mini-2026-03-17` or `…-20260317`.
fn undated(model: &str) -> Option<&str> {
    ["-dddd-dd-dd", "-dddddddd"].into_iter().find_map(|shape| {
        let (bare, date) = model.split_at_checked(model.len().checked_sub(shape.len())?)?;
        let fits = |(is, wanted): (char, char)| if wanted == 'd' { is.is_ascii_digit() } else { is == wanted };
        date.chars().zip(shape.chars()).all(fits).then_some(bare)
    })
}

/// What the provider itself says an answer cost, in millionths of a dollar (Perplexity's `usage.cost.total_cost`).
pub(super) fn stated(body: &Value) -> Option<u64> {
    let dollars =
        body.pointer("/usage/cost/total_cost")?.as_f64().filter(|dollars| (0.0..1_000.0).contains(dollars))?;
    Some((dollars * 1_000_000.0).ceil() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_model_has_a_price_or_says_it_itself() {
        let prices = Prices::built_in();
        for provider in Provider::ALL.into_iter().filter(|provider| *provider != Provider::Perplexity) {
            assert!(prices.of(provider, provider.default_model()).is_some(), "{provider}");
        }
        assert!(prices.as_of.parse::<jiff::civil::Date>().is_ok(), "{}", prices.as_of);
    }

    #[test]
    fn a_cost_is_exact_and_rounded_up() {
        let price = Prices::built_in().of(Provider::OpenAi, "gpt-4o-mini").expect("a price");
        let cost = |input_tokens, output_tokens| price.cost_usd_micros(Usage { input_tokens, output_tokens });
        assert_eq!(cost(1_000_000, 1_000_000), 750_000);
        assert_eq!((cost(1, 0), cost(0, 0), cost(10, 10)), (1, 0, 8));
    }

    #[test]
    fn a_snapshot_costs_what_its_model_costs_and_another_model_is_unknown() {
        let prices = Prices::built_in();
        let of = |provider, model| prices.of(provider, model);
        assert_eq!(of(Provider::OpenAi, "gpt-5.4-mini-2026-03-17"), of(Provider::OpenAi, "gpt-5.4-mini"));
        assert_eq!(of(Provider::Anthropic, "claude-haiku-4-5-20251001"), of(Provider::Anthropic, "claude-haiku-4-5"));
        for unknown in ["gpt-5.4-mini-high", "gpt-5.4-minimal", "gpt-5", "", "-20251001", "gpt-5.4-mini-2026"] {
            assert_eq!(of(Provider::OpenAi, unknown), None, "{unknown}");
        }
    }

    #[test]
    fn prices_of_ones_own_win_and_nonsense_is_refused() {
        let own = "as_of = \"2027-01-01\"\n[openai]\n\"mine\" = { input = 1, output = 2.5 }\n";
        let prices = Prices::built_in().with(own).expect("a table");
        let price = Price { input_usd_micros: 1_000_000, output_usd_micros: 2_500_000 };
        assert_eq!(prices.of(Provider::OpenAi, "mine"), Some(price));
        assert!(prices.of(Provider::OpenAi, "gpt-4o").is_some());
        assert!(Prices::built_in().with("as_of = \"x\"\n[openai]\n\"m\" = { input = -1, output = 2 }\n").is_err());
    }

    #[test]
    fn what_the_provider_says_it_cost_is_read() {
        let body = serde_json::json!({"usage": {"cost": {"currency": "USD", "total_cost": 0.005_432_1}}});
        assert_eq!(stated(&body), Some(5_433));
        assert_eq!(stated(&serde_json::json!({"usage": {"total_tokens": 3}})), None);
    }
}

//! The eleven providers: their names, their variables, and what is taken when nothing else is said.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Someone who answers prompts over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    OpenAi,
    Anthropic,
    Together,
    DeepSeek,
    Mistral,
    Cohere,
    Ai21,
    Google,
    Groq,
    Perplexity,
    Xai,
}

/// What is known of one provider without asking it.
struct Facts {
    name: &'static str,
    title: &'static str,
    prefix: &'static str,
    base_url: &'static str,
    default_model: &'static str,
}

impl Provider {
    /// All of them, in the order they are shown.
    pub const ALL: [Self; 11] = [
        Self::OpenAi,
        Self::Anthropic,
        Self::Together,
        Self::DeepSeek,
        Self::Mistral,
        Self::Cohere,
        Self::Ai21,
        Self::Google,
        Self::Groq,
        Self::Perplexity,
        Self::Xai,
    ];

    /// As it is written in requests, records and `--model`: `openai`.
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// As a person writes it: `OpenAI`.
    pub fn title(self) -> &'static str {
        self.facts().title
    }

    /// The variable its key is read from: `OPENAI_API_KEY`.
    pub fn key_variable(self) -> String {
        self.variable("API_KEY")
    }

    /// One of its variables: `OPENAI_` and what it says, such as `BASE_URL`, `MODEL`, `RPM`, `TPM`, `CONCURRENCY`.
    pub fn variable(self, what: &str) -> String {
        format!("{}_{what}", self.facts().prefix)
    }

    /// The model that is asked when none is named; `OPENAI_MODEL` and its like name another.
    pub fn default_model(self) -> &'static str {
        self.facts().default_model
    }

    /// Where its API lives, with the slash at the end; `OPENAI_BASE_URL` and its like name another place.
    pub fn default_base_url(self) -> &'static str {
        self.facts().base_url
    }

    /// Models are small ones that were offered on 2026-11-24 and that no notice retires; names do go, hence `…_MODEL`.
    fn facts(self) -> Facts {
        let facts =
            |name, title, prefix, base_url, default_model| Facts { name, title, prefix, base_url, default_model };
        match self {
            Self::OpenAi => facts("openai", "OpenAI", "OPENAI", "https://api.openai.com/v1/", "gpt-5.4-mini"),
            Self::Anthropic => {
                facts("anthropic", "Anthropic", "ANTHROPIC", "https://api.anthropic.com/v1/", "claude-haiku-4-5")
            }
            Self::Together => facts(
                "together",
                "Together",
                "TOGETHER",
                "https://api.together.xyz/v1/",
                "meta-llama/Llama-3.3-70B-Instruct-Turbo",
            ),
            Self::DeepSeek => {
                facts("deepseek", "DeepSeek", "DEEPSEEK", "https://api.deepseek.com/v1/", "deepseek-flash")
            }
            Self::Mistral => {
                facts("mistral", "Mistral", "MISTRAL", "https://api.mistral.ai/v1/", "mistral-small-latest")
            }
            Self::Cohere => facts("cohere", "Cohere", "COHERE", "https://api.cohere.com/v2/", "command-a-03-2025"),
            Self::Ai21 => facts("ai21", "AI21", "AI21", "https://api.ai21.com/studio/v1/", "jamba-mini"),
            Self::Google => facts(
                "google",
                "Google",
                "GOOGLE",
                "https://generativelanguage.googleapis.com/v1beta/",
                "gemini-2.5-flash-lite",
            ),
            Self::Groq => facts("groq", "Groq", "GROQ", "https://api.groq.com/openai/v1/", "openai/gpt-oss-120b"),
            Self::Perplexity => {
                facts("perplexity", "Perplexity", "PERPLEXITY", "https://api.perplexity.ai/v1/", "perplexity/sonar")
            }
            Self::Xai => facts("xai", "xAI", "XAI", "https://api.x.ai/v1/", "grok-4.3"),
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that names no provider.
#[derive(Debug, Error)]
#[error("`{0}` is none of the providers {list}", list = Provider::ALL.map(Provider::name).join(", "))]
pub struct UnknownProvider(pub String);

impl FromStr for Provider {
    type Err = UnknownProvider;

    fn from_str(word: &str) -> Result<Self, UnknownProvider> {
        let found = Self::ALL.into_iter().find(|provider| provider.name().eq_ignore_ascii_case(word.trim()));
        found.ok_or_else(|| UnknownProvider(word.to_owned()))
    }
}

/// Whom to ask: `openai`, or `openai/gpt-5.4-mini`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    pub provider: Provider,
    /// `None` is the provider's usual model.
    pub model: Option<String>,
}

impl From<Provider> for Target {
    fn from(provider: Provider) -> Self {
        Self { provider, model: None }
    }
}

impl FromStr for Target {
    type Err = UnknownProvider;

    /// Everything after the first slash is the model: names of models have slashes too.
    fn from_str(text: &str) -> Result<Self, UnknownProvider> {
        let (provider, model) = text.split_once('/').unwrap_or((text, ""));
        let model = Some(model.trim().to_owned()).filter(|model| !model.is_empty());
        Ok(Self { provider: provider.parse()?, model })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.model {
            Some(model) => write!(f, "{}/{model}", self.provider),
            None => write!(f, "{}", self.provider),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_provider_and_all_that_follows_the_first_slash() {
        let read = |text: &str| text.parse::<Target>().map(|target| (target.provider, target.model));
        assert_eq!(read("openai").expect("a target"), (Provider::OpenAi, None));
        let together = read("Together/meta-llama/Llama-3").expect("a target");
        assert_eq!(together, (Provider::Together, Some("meta-llama/Llama-3".to_owned())));
        assert!(read("nobody/gpt").is_err());
    }

    #[test]
    fn every_provider_reads_its_own_name_and_its_base_ends_with_a_slash() {
        for provider in Provider::ALL {
            assert_eq!(provider.name().parse::<Provider>().expect("its name"), provider);
            assert_eq!(serde_json::to_value(provider).expect("a word"), provider.name());
            assert!(provider.default_base_url().ends_with('/'), "{provider}");
        }
    }
}

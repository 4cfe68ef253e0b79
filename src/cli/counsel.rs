//! `--model`: whether a model is asked about failures that no rule names, and which.

use crate::mission::journal::{Entry, Line};
use crate::narration::Narrator;
use crate::operations::Counsellor;

/// Whom to ask where no rule knows.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Model")]
pub struct CounselArgs {
    /// Ask this model about a failure that no rule names
    ///
    /// For example `anthropic` or `openai/gpt-5.4-mini`; the key is read from the provider's variable (OPENAI_API_KEY and the
    /// like). It is shown the end of the log and a few files, without secrets. What it proposes is used only after a trial on
    /// this machine has proved it; once it has healed, later runs use it without asking.
    #[arg(long, env = "DOMAIN_RUNNER_MODEL", value_name = "PROVIDER[/MODEL]")]
    model: Option<String>,
    /// Ask no model, whatever the environment says
    #[arg(long)]
    no_model: bool,
}

impl CounselArgs {
    /// The model that is to be asked, if any.
    fn wanted(&self) -> Option<&str> {
        self.model.as_deref().map(str::trim).filter(|model| !model.is_empty() && !self.no_model)
    }

    /// Who is asked where no rule knows; of a run that is taken up, whose journal is `past`, with what was said in it.
    ///
    /// # Errors
    /// When there is no such provider, or a variable of the models says something impossible.
    pub fn counsellor(&self, past: &[Line], narrator: &Narrator) -> anyhow::Result<Counsellor> {
        let counsellor = self.asking(narrator)?;
        for line in past {
            if let Entry::Publish(released) = &line.entry {
                counsellor.remember(released.fixes.iter().filter_map(|fix| fix.advice.as_deref()));
            }
        }
        Ok(counsellor)
    }

    /// Without a key nobody is asked, which is said and stops no run.
    #[cfg(feature = "model")]
    fn asking(&self, narrator: &Narrator) -> anyhow::Result<Counsellor> {
        use super::exit::{Exit, Usage};
        use crate::model::{Models, Target};
        use crate::operations::Adviser;

        let Some(wanted) = self.wanted() else { return Ok(Counsellor::default()) };
        let target: Target = wanted.parse().map_err(|error| {
            Usage::error(Exit::Usage, format!("--model: {error}"), "for example --model openai, or --no-model")
        })?;
        let models = Models::from_env(crate::world::env)?;
        let is_ready = |status: &crate::model::ProviderStatus| status.provider == target.provider && status.configured;
        if !models.providers().iter().any(is_ready) {
            let message = format!("no model is asked: {} is not set", target.provider.key_variable());
            narrator.warn(message, "everything else works without one");
            return Ok(Counsellor::default());
        }
        Ok(Counsellor::asking(Adviser::new(models, target)))
    }

    /// This program was built without models.
    #[cfg(not(feature = "model"))]
    fn asking(&self, narrator: &Narrator) -> anyhow::Result<Counsellor> {
        if self.wanted().is_some() {
            narrator.warn("no model is asked: this program was built without them", "build it with `--features model`");
        }
        Ok(Counsellor::default())
    }
}

/// The keys of models that the environment holds: to be hidden.
pub fn keys() -> Vec<String> {
    #[cfg(feature = "model")]
    let keys = crate::model::Provider::ALL.iter().filter_map(|of| crate::world::env(&of.key_variable())).collect();
    #[cfg(not(feature = "model"))]
    let keys = Vec::new();
    keys
}

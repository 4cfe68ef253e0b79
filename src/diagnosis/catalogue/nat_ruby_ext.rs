//! `nat-ruby-ext`: a gem's native extension does not compile.

use crate::diagnosis::Case;
use crate::diagnosis::native::{self, compiler, for_package};
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "nat-ruby-ext",
    what: "A native extension of a gem cannot be compiled",
    why: "A gem brings C code that is compiled when it is installed. The image lacks the compiler or the library's headers.",
    advice: "Install build-essential and the library of the named gem before bundle runs (pg: libpq-dev, mysql2: default-libmysqlclient-dev, psych: libyaml-dev).",
    stage: Stage::NativeToolchain,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Typical,
    needles: &[
        "an error occurred while installing",
        "make sure that `gem install",
        "failed to build gem native extension",
        "gem::ext::builderror",
        "extconf failed",
        "mkmf.rb can't find header files",
    ],
    detect,
    remedies,
    examples: &[Example {
        log: "Gem::Ext::BuildError: ERROR: Failed to build gem native extension.\nAn error occurred while installing pg (1.5.6), and Bundler cannot continue.",
        files: &[("Dockerfile", "FROM ruby:3.3-slim\nWORKDIR /app\nCOPY Gemfile* ./\nRUN bundle install\n")],
        subject: "pg",
        remedy: Some((
            "install-packages",
            &[(
                "Dockerfile",
                "FROM ruby:3.3-slim\nRUN apt-get update && apt-get install -y --no-install-recommends build-essential libpq-dev \\\n && rm -rf /var/lib/apt/lists/*\nWORKDIR /app\nCOPY Gemfile* ./\nRUN bundle install\n",
            )],
        )),
        ..Example::BLANK
    }],
    ..Rule::BLANK
};

static SAYS: Phrases = Phrases::new(&[
    r"An error occurred while installing ([\w-]+) \(|Make sure that `gem install ([\w-]+) |(?:Failed to build gem native extension|Gem::Ext::BuildError|extconf failed|mkmf\.rb can't find header files)",
]);
static GEM: Phrases = Phrases::new(&[
    r"An error occurred while installing ([\w-]+) \(|Make sure that `gem install ([\w-]+) |Gem files will remain installed in \S+/gems/([\w-]+?)-\d",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAYS.last(case, lines)?;
    // Without a compiler's words a gem that cannot be installed has other reasons.
    let native = ["native extension", "extconf", "mkmf", "BuildError"].iter().any(|mark| case.mentions(mark));
    if !native {
        return None;
    }
    let named = case.log.lines.iter().find_map(|line| GEM.read(&line.text)).map(|found| found.subject());
    let subject = named.unwrap_or_else(|| found.subject());
    let why = format!("the gem `{subject}` cannot be compiled");
    Some(Hit::at(found.line, subject, why).confidence(0.88))
}

fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let mut needs = vec![compiler()];
    needs.extend(for_package(&hit.subject));
    native::prescribe(case, &needs, "the gem's extension is compiled with these")
}

//! `other-php-ext`: A PHP extension cannot be built.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "other-php-ext",
    what: "A PHP extension cannot be built",
    why: "Its development library is missing, its configure flags are old, or it does not fit this PHP.",
    advice: "Install the -dev package of the library named; newer PHP wants `--with-jpeg --with-freetype` for gd.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Typical,
    before: &["nat-autotools"],
    needles: &[
        "adjusting the PKG_CONFIG_PATH",
        "Package requirements (",
        "requires PHP (version",
        "No valid packages found",
        "unrecognized options: --with-",
        "docker-php-ext-install: not found",
        "/usr/src/php/ext/",
        "required by 'virtual:world'",
    ],
    detect,
    examples: &[
        Example {
            log: "error: /usr/src/php/ext/mcrypt does not exist\n\nusage: /usr/local/bin/docker-php-ext-install [-jN] [--ini-name file.ini] ext-name [ext-name ...]",
            subject: "mcrypt",
            ..Example::BLANK
        },
        Example {
            log: "Step 3/4 : RUN docker-php-ext-install mbstring\nconfigure: error: Package requirements (oniguruma) were not met:\nConsider adjusting the PKG_CONFIG_PATH environment variable if you",
            subject: "oniguruma",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"error: /usr/src/php/ext/(\w+) does not exist",
    r"Package requirements \(([\w.+-]+)",
    r"Package '([^']+)', required by 'virtual:world', not found",
    r"pecl/(\w+) requires PHP",
    r"unrecognized options: (--with-[\w-]+)",
    r"(docker-php-ext-install): not found",
    r"(No valid packages) found",
    r"No package \'([^\']+)\' found",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    // pkg-config words its failures alike for everybody.
    let php = |text: &str| text.contains("php") || text.contains("pecl");
    if !case.log.lines.iter().any(|line| php(&line.text)) {
        return None;
    }
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("a PHP extension cannot be built ({subject})");
    Some(Hit::at(found.line, subject, why))
}

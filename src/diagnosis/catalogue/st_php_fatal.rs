//! `st-php-fatal`: PHP stops with a fatal error.

use crate::diagnosis::Case;
use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "st-php-fatal",
    what: "PHP stops with a fatal error",
    why: "A class, a function or a file that the code needs is not there: `composer install` did not run in the image, an \
          extension is missing, or the code has a fault.",
    advice: "For vendor/autoload.php: run `composer install` in the Dockerfile, and keep vendor/ out of .dockerignore or \
             install after COPY. For a class of an extension: docker-php-ext-install or pecl.",
    stage: Stage::Startup,
    severity: Severity::Critical,
    policy: Policy::Human,
    weight: Weight::Root,
    needles: &["PHP Fatal error:", "Fatal error: Uncaught", "vendor/autoload.php"],
    detect,
    examples: &[
        Example {
            log: "PHP Warning:  require(vendor/autoload.php): Failed to open stream: No such file or directory in /var/www/html/index.php on line 3\nPHP Fatal error:  Uncaught Error: Failed opening required 'vendor/autoload.php' (include_path='.:/usr/local/lib/php') in /var/www/html/index.php:3",
            subject: "vendor/autoload.php",
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "PHP Fatal error:  Uncaught Error: Class \"App\\Kernel\" not found in /app/index.php:3",
            subject: "App\\Kernel",
            status: "update_failed",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"Failed opening required '([^']+)'",
    r#"Fatal error: +Uncaught Error: Class ["']([^"']+)["'] not found"#,
    r"Fatal error: +Uncaught Error: Call to undefined function (\S+?)\(\)",
    r"Fatal error: +(?:Uncaught )?(.{1,120}?)(?: in /| in \w:|$)",
]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.last(case, lines)?;
    let subject = found.subject();
    Some(Hit::at(found.line, subject, format!("PHP stops at `{subject}`")))
}

//! `other-composer`: composer cannot meet a demand.

use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::{Case, php};

pub const RULE: Rule = Rule {
    id: "other-composer",
    what: "Composer cannot meet a demand",
    why: "The image lacks a PHP extension or has another PHP version than a package demands.",
    advice: "Install the extension with docker-php-ext-install, or take the PHP version of composer.json.",
    stage: Stage::DepResolution,
    severity: Severity::High,
    policy: Policy::Fix,
    weight: Weight::Root,
    needles: &[
        "could not be resolved to an installable set",
        "Could not open input file: composer",
        "requires ext-",
        "your php version (",
        "is missing from your system. Install or enable",
        "SHA384 is not supported",
        "requires php ",
        "requires PHP extension ext-",
    ],
    detect,
    remedies,
    examples: &[
        Example {
            log: "  Problem 1\n    - acme/pdf 1.0 requires ext-gd * -> it is missing from your system. Install or enable PHP's gd extension.",
            files: &[
                (
                    "Dockerfile",
                    "FROM php:8.3-cli\nCOPY --from=composer:2 /usr/bin/composer /usr/bin/composer\nWORKDIR /app\nCOPY . .\nRUN composer install --no-dev\n",
                ),
                ("composer.json", "{\"require\": {\"acme/pdf\": \"1.0\"}}\n"),
            ],
            subject: "gd",
            remedy: Some((
                "install-php-extension",
                &[(
                    "Dockerfile",
                    "FROM php:8.3-cli\nCOPY --from=composer:2 /usr/bin/composer /usr/bin/composer\nWORKDIR /app\nCOPY . .\nRUN apt-get update && apt-get install -y --no-install-recommends libpng-dev libjpeg-dev libfreetype6-dev \\\n && docker-php-ext-install gd \\\n && rm -rf /var/lib/apt/lists/*\nRUN composer install --no-dev\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "Your requirements could not be resolved to an installable set of packages.\n\n  Problem 1\n    - Root composer.json requires PHP extension ext-gmp * but it is missing from your system. Install or enable PHP's gmp extension.\n  Problem 2\n    - Root composer.json requires PHP extension ext-redis * but it is missing from your system. Install or enable PHP's redis extension.",
            files: &[("Dockerfile", "FROM php:8.3-fpm-alpine\nCOPY . .\nRUN composer install\n")],
            subject: "gmp",
            remedy: Some((
                "install-php-extension",
                &[(
                    "Dockerfile",
                    "FROM php:8.3-fpm-alpine\nCOPY . .\nRUN apk add --no-cache gmp-dev $PHPIZE_DEPS \\\n && docker-php-ext-install gmp \\\n && pecl install redis \\\n && docker-php-ext-enable redis\nRUN composer install\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "Step 47/121 : RUN php composer.phar install\nYour requirements could not be resolved to an installable set of packages.\n    - pear/console_commandline v1.2.2 requires ext-dom * -> the requested PHP extension dom is missing from your system.",
            files: &[("Dockerfile", "FROM ubuntu:22.04\nRUN php composer.phar install\n")],
            subject: "dom",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

static SAID: Phrases = Phrases::new(&[
    r"requires (?:PHP extension )?ext-([\w-]+)",
    r"The requested PHP extension ext-([\w-]+)",
    r"requires php \S+.*your php version \(([\d.]+)",
    r"PHP extension (\w+) is missing",
    r"Could not open input file: (composer\S*)",
    r"(SHA384) is not supported by your openssl",
    r"(Your requirements) could not be resolved",
]);

static EXTENSION: Phrases =
    Phrases::new(&[r"requires (?:PHP extension )?ext-([\w-]+)", r"PHP extension (?:ext-)?([\w-]+) \*? ?is missing"]);

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    let found = SAID.first(case, lines)?;
    let subject = found.subject();
    let why = format!("composer cannot install: {subject}");
    Some(Hit::at(found.line, subject, why))
}

/// Every extension that the log misses, one step for all.
fn remedies(case: &Case<'_>, hit: &Hit) -> Prescription {
    let from = hit.line.unwrap_or_default();
    let said = (from..case.log.lines.len()).filter_map(|line| EXTENSION.on(case, line));
    let mut missing: Vec<String> = said.map(|found| found.subject().to_owned()).collect();
    missing.sort();
    missing.dedup();
    Prescription::of(php::install(case, &missing))
}

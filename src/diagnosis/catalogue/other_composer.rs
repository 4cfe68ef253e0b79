//! `other-composer`: composer cannot meet a demand.

use crate::diagnosis::phrase::Phrases;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};
use crate::diagnosis::{Case, installs, php};
use crate::dockerfile::edit;
use crate::remedy::Applicability;

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
        "Allowed memory size of",
        "unzip/7z commands are both missing",
    ],
    detect,
    remedies,
    examples: &[
        Example {
            log: "#9 [5/7] RUN composer install --no-dev\n#9 41.2 PHP Fatal error:  Allowed memory size of 134217728 bytes exhausted (tried to allocate 4096 bytes) in phar:///usr/bin/composer/src/Composer/DependencyResolver/Solver.php on line 223\n#9 ERROR: process \"/bin/sh -c composer install --no-dev\" did not complete successfully: exit code: 255",
            files: &[("Dockerfile", "FROM php:8.2-cli\nCOPY . .\nRUN composer install --no-dev\n")],
            subject: "Allowed memory size",
            remedy: Some((
                "unbound-composer",
                &[(
                    "Dockerfile",
                    "FROM php:8.2-cli\nCOPY . .\nENV COMPOSER_MEMORY_LIMIT=-1\nRUN composer install --no-dev\n",
                )],
            )),
            ..Example::BLANK
        },
        Example {
            log: "#9 [5/7] RUN composer install --no-dev\n#9 2.1   Failed to download monolog/monolog from dist: The zip extension and unzip/7z commands are both missing, skipping.\n#9 2.1 The php.ini used by your command-line PHP is: (none)\n#9 ERROR: process \"/bin/sh -c composer install --no-dev\" did not complete successfully: exit code: 1",
            files: &[("Dockerfile", "FROM php:8.2-cli\nCOPY . .\nRUN composer install --no-dev\n")],
            subject: "unzip",
            remedy: Some((
                "install-unzip",
                &[(
                    "Dockerfile",
                    "FROM php:8.2-cli\nCOPY . .\nRUN apt-get update && apt-get install -y --no-install-recommends unzip && rm -rf /var/lib/apt/lists/*\nRUN composer install --no-dev\n",
                )],
            )),
            ..Example::BLANK
        },
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
    r"(Allowed memory size) of \d+ bytes exhausted.*omposer",
    r"(unzip)/7z commands are both missing",
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
    let index = case.failing_instruction();
    if hit.subject == "Allowed memory size" {
        let line = ["ENV COMPOSER_MEMORY_LIMIT=-1"];
        return Prescription::none().with(
            "unbound-composer",
            "Let composer use the memory there is",
            "PHP's limit is for requests; composer needs more to solve the requirements, and only while it installs",
            Applicability::Rehearse,
            index.and_then(|index| {
                edit::insert_before_instruction(case.workspace, case.dockerfile_path, case.dockerfile, index, &line)
            }),
        );
    }
    if hit.subject == "unzip" {
        return Prescription::none().with(
            "install-unzip",
            "Install the package `unzip`",
            "composer unpacks what it fetches with it",
            Applicability::Rehearse,
            index.and_then(|index| installs::provide(case, index, &["unzip"])),
        );
    }
    let from = hit.line.unwrap_or_default();
    let said = (from..case.log.lines.len()).filter_map(|line| EXTENSION.on(case, line));
    let mut missing: Vec<String> = said.map(|found| found.subject().to_owned()).collect();
    missing.sort();
    missing.dedup();
    Prescription::of(php::install(case, &missing))
}

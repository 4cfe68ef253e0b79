//! `st-env-missing`: the service does not start because an environment variable is not set.

use crate::diagnosis::Case;
use crate::diagnosis::environment;
use crate::diagnosis::rule::{Example, Hit, Policy, Prescription, Rule, Severity, Stage, Weight};

pub const RULE: Rule = Rule {
    id: "st-env-missing",
    what: "An environment variable that the service needs is not set",
    why: "The program reads the variable when it starts and refuses to go on without it. Its value is not in the repository, and should \
          not be.",
    advice: "Set the variable on the service (Dashboard: Environment). A value is never invented: a made-up key would lock out real users or \
             let strangers in.",
    stage: Stage::Startup,
    severity: Severity::Critical,
    policy: Policy::Human,
    weight: Weight::Typical,
    needles: environment::NEEDLES,
    detect,
    foresee: |_| vec![],
    remedies: |_, _| Prescription::none(),
    examples: &[
        Example {
            log: "pydantic_core._pydantic_core.ValidationError: 1 validation error for Settings\nsigning_key\n  Field required [type=missing, input_value={'keep': '200'}, input_type=dict]\n    For further information visit https://errors.pydantic.dev/2.14/v/missing",
            files: &[
                ("Dockerfile", "FROM python:3.12-slim\nCOPY . .\nCMD [\"python\", \"-m\", \"hooks\"]\n"),
                (
                    "hooks/settings.py",
                    "from pydantic_settings import BaseSettings, SettingsConfigDict\n\n\nclass Settings(BaseSettings):\n    model_config = SettingsConfigDict(env_prefix=\"HOOKS_\")\n    signing_key: str\n",
                ),
            ],
            subject: "HOOKS_SIGNING_KEY",
            ..Example::BLANK
        },
        Example {
            log: "  File \"<frozen os>\", line 685, in __getitem__\nKeyError: 'STRIPE_SECRET'\n[2026-01-01 00:00:00 +0000] [7] [INFO] Worker exiting (pid: 7)",
            subject: "STRIPE_SECRET",
            ..Example::BLANK
        },
        Example {
            log: "/usr/src/app/index.js:3\nError: JWT_SECRET is not defined\n    at Object.<anonymous> (/usr/src/app/index.js:3:9)",
            subject: "JWT_SECRET",
            ..Example::BLANK
        },
        Example {
            log: "/app/node_modules/stripe/cjs/stripe.core.js:178\n            throw new Error('Neither apiKey nor config.authenticator provided');\n            ^\n\nError: Neither apiKey nor config.authenticator provided\n    at Stripe._setAuthenticator (/app/node_modules/stripe/cjs/stripe.core.js:178:19)\n    at Object.<anonymous> (/app/lib/billing.js:2:16)\n==> Exited with status 1",
            files: &[
                ("Dockerfile", "FROM node:22\nWORKDIR /app\nCOPY . .\nCMD [\"node\", \"index.js\"]\n"),
                (
                    "lib/billing.js",
                    "const Stripe = require('stripe');\nconst stripe = new Stripe(process.env.STRIPE_KEY);\n",
                ),
            ],
            subject: "STRIPE_KEY",
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "google.auth.exceptions.DefaultCredentialsError: Your default credentials were not found. To set up Application Default Credentials, see https://cloud.google.com/docs/authentication/external/set-up-adc for more information.\n==> Exited with status 1",
            subject: "GOOGLE_APPLICATION_CREDENTIALS",
            status: "update_failed",
            ..Example::BLANK
        },
        Example {
            log: "/app/dist/env.js:21\nZodError: [\n  {\n    \"code\": \"invalid_type\",\n    \"expected\": \"string\",\n    \"received\": \"undefined\",\n    \"path\": [\n      \"SMTP_HOST\"\n    ],\n    \"message\": \"Required\"\n  }\n]\n==> Exited with status 1",
            subject: "SMTP_HOST",
            status: "update_failed",
            ..Example::BLANK
        },
        Example { log: "KeyError: key not found: \"DATABASE_URL\"", subject: "DATABASE_URL", ..Example::BLANK },
        Example {
            log: "decouple.UndefinedValueError: SECRET_KEY not found. Declare it as envvar or define a default value.",
            subject: "SECRET_KEY",
            ..Example::BLANK
        },
        Example {
            log: "openai.OpenAIError: The api_key client option must be set either by passing api_key to the client or by setting the OPENAI_API_KEY environment variable",
            subject: "OPENAI_API_KEY",
            ..Example::BLANK
        },
        Example {
            log: "Error: Neither apiKey nor config.authenticator provided\n    at Stripe._setAuthenticator (/app/node_modules/stripe/cjs/stripe.core.js:166:23)\n    at new Stripe (/app/node_modules/stripe/cjs/stripe.core.js:102:14)\n    at Object.<anonymous> (/app/src/payments.js:3:16)",
            files: &[
                ("Dockerfile", "FROM node:22\nWORKDIR /app\nCOPY src src\nCMD [\"node\", \"src/index.js\"]\n"),
                (
                    "src/payments.js",
                    "const Stripe = require(\"stripe\");\n\nconst stripe = new Stripe(process.env.STRIPE_SECRET_KEY, { maxNetworkRetries: 2 });\n",
                ),
            ],
            subject: "STRIPE_SECRET_KEY",
            ..Example::BLANK
        },
        Example {
            log: "Traceback (most recent call last):\n  File \"/app/main.py\", line 4, in <module>\n    LIMIT = int(limit)\n            ^^^^^^^^^^\nTypeError: int() argument must be a string, a bytes-like object or a real number, not 'NoneType'",
            files: &[
                ("Dockerfile", "FROM python:3.12\nWORKDIR /app\nCOPY . .\nCMD [\"python\", \"main.py\"]\n"),
                ("main.py", "import os\n\nlimit = os.environ.get(\"ROOM_LIMIT\")\nLIMIT = int(limit)\n"),
            ],
            subject: "ROOM_LIMIT",
            ..Example::BLANK
        },
    ],
    ..Rule::BLANK
};

fn detect(case: &Case<'_>, lines: &[usize]) -> Option<Hit> {
    // During a build the class is another: the variable may be set on the service and only be absent from that step.
    if case.log.failing.is_some() {
        return None;
    }
    if let Some(missing) = environment::missing(case, lines) {
        let why = format!("the service needs the environment variable `{}`, which is not set", missing.variable);
        return Some(Hit::at(missing.line, missing.variable, why).confidence(0.93));
    }
    let missing = environment::unset::at_the_crash(case)?;
    let why = format!(
        "the service stops at a line that reads the environment variable `{}`, which is not set: {}",
        missing.variable,
        case.text(missing.line).trim()
    );
    Some(Hit::at(missing.line, missing.variable, why).confidence(0.86))
}

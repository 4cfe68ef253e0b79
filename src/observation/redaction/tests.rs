use super::*;

fn hidden(redactor: &Redactor, text: &str, secret: &str) {
    let out = redactor.redact(text);
    assert!(!out.contains(secret) && out.contains(MASK), "{text:?} became {out:?}");
    assert_eq!(out.matches('\n').count(), text.matches('\n').count(), "lines stay lines: {out:?}");
    assert_eq!(redactor.redact(&out), out, "twice is as once");
}

#[test]
fn secrets_go_and_the_rest_stays() {
    let redactor = Redactor::new(["hunter2hunter2".to_owned()]);
    for (given, expected) in [
        ("key rnd_abcdefghijklmnopqrst end", "key [redacted] end"),
        ("postgres://app:s3cr3tpw@db:5432/x", "postgres://app:[redacted]@db:5432/x"),
        ("API_KEY=abcdef123456 next", "API_KEY=[redacted] next"),
        ("I said hunter2hunter2!", "I said [redacted]!"),
        ("Authorization: Bearer abcdef.ghijkl", "Authorization: Bearer [redacted]"),
        ("ARG NPM_TOKEN=abcdefgh", "ARG NPM_TOKEN=[redacted]"),
        ("ENV APP_SECRET s3cr3t-value", "ENV APP_SECRET [redacted]"),
        ("GET /cb?access_token=abc123def&x=1", "GET /cb?access_token=[redacted]&x=1"),
        (r#"{"password": "abcdef", "n": 1}"#, r#"{"password": "[redacted]", "n": 1}"#),
        (r#""{\"api_key\": \"abcdefgh\"}""#, r#""{\"api_key\": \"[redacted]\"}""#),
        ("https://hooks.slack.com/services/T00/B00/XXXXXXXX", "https://hooks.slack.com/services/[redacted]"),
        ("clone https://0123456789abcdef@github.com/a/b", "clone https://[redacted]@github.com/a/b"),
    ] {
        assert_eq!(redactor.redact(given), expected);
    }
}

#[test]
fn what_only_resembles_a_secret_stays() {
    for text in [
        "numpy==1.24.4 (from -r requirements.txt)",
        "SyntaxError: Unexpected token: identifier",
        "ERROR: unexpected token: `RUN`",
        "ENV API_KEY=$API_KEY",
        "token = os.environ[\"TOKEN\"]",
        "const secret = process.env.SECRET_KEY",
        "basic authentication is required by the bearer of this",
        "sha256:4c1e997385b8fb4ad4d1d3c7e5af7ff3f882e94d07cf5b78de9e889bc60830e6",
        "git@github.com:acme/app.git",
        "http://127.0.0.1:8000/a@b",
        "-----BEGIN CERTIFICATE-----",
        "skip-existing-packages-when-building-wheels",
        "task-runner pk-builder pk_related_objects_of_all_users risk_assessment_tool_for_everyone",
    ] {
        assert_eq!(Redactor::default().redact(text), text);
    }
    for (name, value) in [("APP_ENV", "production"), ("LOG_LEVEL", "warning"), ("PORT", "10000"), ("REGION", "eu-west")]
    {
        assert!(is_setting(name, value), "{name}");
    }
    for (name, value) in [("APP_PASSWORD", "production"), ("FOO", "x7Hq92Lm"), ("DATABASE_URL", "localhost")] {
        assert!(!is_setting(name, value), "{name}");
    }
}

#[test]
fn a_known_value_is_found_in_every_spelling() {
    let secret = "p@ss w0rd/with+signs\"q";
    let redactor = Redactor::new([secret.to_owned()]);
    let base = |text: &str| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, text);
    for (text, spelling) in [
        (format!("x {secret} y"), secret.to_owned()),
        ("x p%40ss%20w0rd%2Fwith%2Bsigns%22q y".to_owned(), "w0rd".to_owned()),
        ("x p%40ss+w0rd%2Fwith%2Bsigns%22q y".to_owned(), "w0rd".to_owned()),
        ("{\"k\":\"p@ss w0rd/with+signs\\\"q\"}".to_owned(), "w0rd".to_owned()),
        ("p@ss w0rd/wi\nth+signs\"q".to_owned(), "p@ss".to_owned()),
        ("p@ss \u{1b}[31mw0rd\u{1b}[0m/with+signs\"q".to_owned(), "w0rd".to_owned()),
    ] {
        hidden(&redactor, &text, &spelling);
    }
    for user in ["", "u", "us", "user:"] {
        let text = base(&format!("{user}{secret}"));
        hidden(&redactor, &format!("sent {text}"), &text[8..24]);
    }
}

#[test]
fn known_looks_are_found_also_when_a_line_breaks_them() {
    for secret in [
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
        "AKIAIOSFODNN7EXAMPLE",
        "xoxb-123456789012-abcdefghijkl",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-_def",
        "whsec_abcdefghijklmnopqrstuvwxyz",
        "npm_abcdefghijklmnopqrstuvwxyz0123456789",
        "AIzaSyA1234567890abcdefghijklmnopqrstuv",
    ] {
        hidden(&Redactor::default(), &format!("found '{secret}' there"), secret);
    }
    let broken = "using ghp_abcdefghijklmnopqrstuv\nwxyz0123456789\nnext line";
    assert_eq!(Redactor::default().redact(broken), "using [redacted]\n[redacted]\nnext line");
}

#[test]
fn a_private_key_goes_from_its_first_line_to_its_last() {
    let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7";
    for text in [
        format!("a\n-----BEGIN RSA PRIVATE KEY-----\n{body}\n{body}\n-----END RSA PRIVATE KEY-----\nb"),
        format!("a\n-----BEGIN OPENSSH PRIVATE KEY-----\n{body}\n{body}\nb"),
        format!(
            "{{\"private_key\": \"-----BEGIN PRIVATE KEY-----\\n{body}\\n-----END PRIVATE KEY-----\\n\", \"b\": 1}}\nb"
        ),
    ] {
        hidden(&Redactor::default(), &text, "MIIEvQ");
        assert!(Redactor::default().redact(&text).ends_with("\nb"));
    }
    let lines = ["a".to_owned(), "-----BEGIN PRIVATE KEY-----".to_owned(), body.to_owned(), "b".to_owned()];
    assert_eq!(Redactor::default().redact_lines(lines), ["a", MASK, MASK, "b"]);
}

#[test]
fn a_document_stays_a_document_when_its_texts_lose_their_secrets() {
    let value =
        serde_json::json!({"diff": "+ENV TOKEN=\"abcdef123456\"\nRUN x", "lines": ["PASSWORD=hunter2hunter2\"", 3]});
    let expected =
        serde_json::json!({"diff": "+ENV TOKEN=\"[redacted]\"\nRUN x", "lines": ["PASSWORD=[redacted]\"", 3]});
    assert_eq!(Redactor::default().redact_value(value), expected);
}

/// A hostile log is linear work: no timing here, but a quadratic scan would not come to its end.
#[test]
fn a_hostile_text_of_a_hundred_thousand_pieces_is_read_to_its_end() {
    let redactor = Redactor::new(["hunter2hunter2".to_owned()]);
    for piece in ["\u{1b}]0;", "-----BEGIN PRIVATE KEY-----", "a:a@", "token=", "eyJaaaaaaaa.", "\n\n", "https://"] {
        let text = piece.repeat((1 << 19) / piece.len());
        assert!(redactor.redact(&text).len() <= 8 * text.len());
        assert!(strip_controls(&text).len() <= text.len());
    }
}

use openssl::{hash::MessageDigest, pkey::PKey, sign::Signer};

fn seal(text: &str) -> String {
    let key = PKey::hmac(b"not secret, only a check digit").expect("key");
    let mut signer = Signer::new(MessageDigest::sha256(), &key).expect("signer");
    signer.update(text.as_bytes()).expect("update");
    signer.sign_to_vec().expect("sign")[..4].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn main() {
    let port = std::env::var("PORT").expect("PORT");
    let server = tiny_http::Server::http(format!("0.0.0.0:{port}")).expect("listen");
    for request in server.incoming_requests() {
        let text = match request.url() {
            "/healthz" => "ok".to_owned(),
            path => seal(path),
        };
        let _ = request.respond(tiny_http::Response::from_string(text));
    }
}

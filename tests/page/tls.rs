//! The page by TLS, as curl and openssl see it.

use super::served::serve;
use std::process::Command;

#[test]
fn a_certificate_from_files_serves_and_cookies_are_for_tls_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .args(["-keyout", &file("key.pem"), "-out", &file("cert.pem")])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let (token, line) = super::served::token("anna", &[]);
    std::fs::write(folder.path().join("people.yaml"), format!("version: 1\npeople:\n  {line}\n")).unwrap();
    let words = ["--tls-cert", &file("cert.pem"), "--tls-key", &file("key.pem"), "--people", &file("people.yaml")];
    let (mut process, address) = serve(&folder.path().join("state"), &words.map(str::to_owned));
    let ask = |request: &str| {
        std::fs::write(folder.path().join("request"), request).unwrap();
        let script = format!(
            "openssl s_client -quiet -verify_return_error -CAfile {} -servername localhost -connect {address} < {}",
            file("cert.pem"),
            file("request")
        );
        let answer = Command::new("timeout").args(["20", "sh", "-c", &script]).output().unwrap();
        let said = String::from_utf8_lossy(&answer.stderr).into_owned();
        (String::from_utf8_lossy(&answer.stdout).into_owned(), said)
    };
    let (text, said) = ask(&format!(
        "POST /login HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\nConnection: close\r\nContent-Type: \
         application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\ntoken={token}",
        token.len() + 6
    ));
    assert!(text.starts_with("HTTP/1.1 303"), "{text}{said}");
    let cookie = text.lines().find(|line| line.to_lowercase().starts_with("set-cookie")).unwrap();
    assert!(cookie.contains("__Host-cutover=") && cookie.contains("; Secure"), "{cookie}");
    assert!(cookie.contains("; HttpOnly; SameSite=Strict") && cookie.contains("; Path=/"), "{cookie}");
    let id = cookie.split("__Host-cutover=").nth(1).unwrap().split(';').next().unwrap();
    let page = |cookie: &str| {
        ask(&format!("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: {cookie}\r\n\r\n")).0
    };
    assert!(page(&format!("__Host-cutover={id}")).contains("anna"));
    // a page on another port, or one without TLS, can set this one
    let planted = page(&format!("cutover={id}"));
    assert!(planted.starts_with("HTTP/1.1 200") && !planted.contains("anna"), "{planted}");
    process.kill().unwrap();
    process.wait().unwrap();
}

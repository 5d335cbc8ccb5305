//! Servers that ask for what is not theirs.

use super::fake::{Fake, OK, switch_to};
use super::{PASSWORD, holds, log_in, words};
use cutover::effects::{Cover, Tls};
use cutover::error::{Class, Failure};
use cutover::playbook::inventory::Verify;
use std::time::Duration;

const FULL_AUTHENTICATION: &[u8] = &[1, 4];
/// The answer to any statement: send me this file.
const WANTS_A_FILE: &[u8] = b"\xfb/etc/passwd";

async fn refused(fake: &Fake, cover: Cover) -> Failure {
    let Err(failure) = log_in(&fake.address, cover).await.map(drop) else { panic!("it let itself be logged in to") };
    assert!(!holds(&fake.told(), PASSWORD), "the password was sent");
    failure
}

#[tokio::test]
async fn a_password_in_clear_text_is_never_sent() {
    for cover in [Cover::Loopback, Cover::Open, Cover::Beyond] {
        let fake = Fake::new("mysql_native_password", &[&switch_to("mysql_clear_password"), OK]).await;
        let failure = refused(&fake, cover).await;
        assert_eq!(failure.class, Class::Permanent);
        let said = words(&failure);
        assert!(said.contains("mysql_clear_password") && said.contains("no password was sent"), "{said}");
    }
    let fake = Fake::new("mysql_native_password", &[&switch_to("mysql_old_password"), OK]).await;
    assert!(words(&refused(&fake, Cover::Loopback).await).contains("mysql_old_password"));
}

#[tokio::test]
async fn full_authentication_is_refused_across_a_network() {
    let switched = switch_to("caching_sha2_password");
    for answers in [vec![FULL_AUTHENTICATION, OK], vec![switched.as_slice(), FULL_AUTHENTICATION, OK]] {
        let fake = Fake::new("caching_sha2_password", &answers).await;
        let said = words(&refused(&fake, Cover::Beyond).await);
        assert!(said.contains("asks for the password itself") && said.contains("no password was sent"), "{said}");
        let asked = fake.told().ends_with(&[2]); // for a key that whoever stands in for the server may have made
        assert!(!asked, "the server's key was asked for");
    }
}

/// The same as a message that is only said to be over, or is too long to be one.
#[tokio::test]
async fn no_length_hides_what_is_asked() {
    let long = vec![0xff; 70_000];
    let fake = Fake::new("caching_sha2_password", &[&long, FULL_AUTHENTICATION, OK]).await;
    refused(&fake, Cover::Beyond).await;
}

#[tokio::test]
async fn a_server_that_asks_for_a_file_gets_none() {
    for cover in [Cover::Loopback, Cover::Beyond] {
        let fake = Fake::new("mysql_native_password", &[OK, WANTS_A_FILE]).await;
        let failure = refused(&fake, cover).await;
        assert!(words(&failure).contains("asked for a file of this machine"), "{}", words(&failure));
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(!holds(&fake.told(), "root:"), "a file was sent");
    }
}

#[tokio::test]
async fn plain_text_stays_on_the_machine() {
    // the second is a name to everybody but the resolver, to which it is the first
    for address in ["192.0.2.77:3306", "3221226061:3306"] {
        let Err(failure) = log_in(address, Cover::Loopback).await.map(drop) else { panic!("it was reached") };
        assert_eq!(failure.class, Class::Refused, "{failure:?}");
        let said = words(&failure);
        assert!(said.contains("192.0.2.77") && said.contains("encrypted_replication"), "{said}");
    }
    let fake = Fake::new("mysql_native_password", &[OK, OK]).await;
    let by_name = fake.address.replace("127.0.0.1", "127.1");
    log_in(&by_name, Cover::Loopback).await.unwrap().hang_up();
}

#[tokio::test]
async fn tls_that_is_not_offered_is_not_done_without() {
    let folder = tempfile::tempdir().unwrap();
    let authority = super::certificates::Authority::new(folder.path());
    for verify in [Verify::Name, Verify::Chain] {
        let fake = Fake::new("mysql_native_password", &[OK]).await;
        let tls = Tls::by_file(&authority.file(), "127.0.0.1".into(), verify).await.unwrap();
        let said = words(&refused(&fake, Cover::Tls(tls)).await);
        assert!(said.contains("offers no TLS") && said.contains("no password was sent"), "{said}");
        assert!(!holds(&fake.told(), "migrate"), "not even the name is told");
    }
    let none = Tls::by_file(&folder.path().join("none.pem"), "x".into(), Verify::Name).await.unwrap_err();
    assert!(words(&none).contains("none.pem"), "{none:?}");
    let key = Tls::by_file(&folder.path().join("config"), "x".into(), Verify::Name).await.unwrap_err();
    assert!(words(&key).contains("no PEM certificate"), "{key:?}");
}

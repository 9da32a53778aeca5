//! Certificates in files: a renewed one is served without a reload, a broken one is not.

use crate::common::pki::{Pair, Pki};
use crate::common::{Gateway, Upstream, within};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// How soon a renewed certificate must be served.
const SOON: Duration = Duration::from_secs(5);

/// The serial number that a new handshake shows.
pub(crate) fn serial(gateway: &Gateway, name: &str) -> Option<u64> {
    let connect = format!("127.0.0.1:{}", gateway.port());
    let shown = Command::new("openssl")
        .args(["s_client", "-connect", &connect, "-servername", name])
        .stdin(Stdio::null())
        .output()
        .expect("openssl is needed");
    let pem = String::from_utf8_lossy(&shown.stdout).into_owned();
    let start = pem.find("-----BEGIN CERTIFICATE-----")?;
    let der = x509_parser::pem::parse_x509_pem(&pem.as_bytes()[start..]).ok()?.1;
    let certificate = der.parse_x509().ok()?;
    certificate.tbs_certificate.serial.iter_u64_digits().next()
}

fn shows(gateway: &Gateway, pair: &Pair) -> bool {
    within(SOON, || serial(gateway, "a.test") == Some(pair.serial))
}

fn gateway(upstream: &Upstream, cert: &Path, key: &Path) -> Gateway {
    Gateway::with(format!(
        "_format_version: \"3.0\"\nservices:\n- name: all\n  url: http://127.0.0.1:{}\n  routes:\n  - paths: [/]\n\
         certificates:\n- cert: '{{vault://file{}}}'\n  key: '{{vault://file{}}}'\n  snis: [{{name: a.test}}]\n",
        upstream.port(),
        cert.display(),
        key.display()
    ))
    .listen("ssl")
    .start()
}

/// What certbot does: a new pair in the archive, then the links in `live` are switched.
fn switch(pki: &Pki, pair: &Pair, number: u64) {
    let (cert, key) = pki.write(&format!("archive{number}"), pair);
    for (link, target) in [("live.key", key), ("live.pem", cert)] {
        let new = pki.path("new");
        symlink(target, &new).unwrap();
        fs::rename(new, pki.path(link)).unwrap();
    }
}

#[test]
fn links_that_certbot_switches_are_followed() {
    let (upstream, pki) = (Upstream::echo(), Pki::new("test"));
    switch(&pki, &pki.server("a.test", 11), 1);
    let gateway = gateway(&upstream, &pki.path("live.pem"), &pki.path("live.key"));
    assert_eq!(serial(&gateway, "a.test"), Some(11));
    let next = pki.server("a.test", 12);
    switch(&pki, &next, 2);
    assert!(shows(&gateway, &next));
    assert!(gateway.output().contains("serving a renewed certificate"), "{}", gateway.output());
}

#[test]
fn what_is_broken_changes_nothing_and_is_told() {
    let (upstream, pki) = (Upstream::echo(), Pki::new("test"));
    let first = pki.server("a.test", 21);
    let (cert, key) = pki.write("a", &first);
    let gateway = gateway(&upstream, &cert, &key);
    fs::write(&cert, pki.server("a.test", 22).cert).unwrap();
    let told = |text: &str| within(SOON, || gateway.output().contains(text));
    assert!(told("certificate does not match key"), "{}", gateway.output());
    fs::write(&cert, "").unwrap();
    assert!(told("there is no certificate in it"), "{}", gateway.output());
    fs::remove_file(&cert).unwrap();
    assert!(told("cannot read "), "{}", gateway.output());
    assert_eq!(serial(&gateway, "a.test"), Some(21), "the old one is served all along");
    let good = pki.server("a.test", 23);
    pki.write("a", &good);
    assert!(shows(&gateway, &good));
}

#[test]
fn the_certificate_of_the_settings_is_renewed_too() {
    let (upstream, pki) = (Upstream::echo(), Pki::new("test"));
    let (cert, key) = pki.write("a", &pki.server("a.test", 31));
    let gateway = Gateway::to(&upstream)
        .listen("ssl")
        .set("KONG_SSL_CERT", cert.to_str().unwrap())
        .set("KONG_SSL_CERT_KEY", key.to_str().unwrap())
        .start();
    let next = pki.server("a.test", 32);
    pki.write("a", &next);
    assert!(shows(&gateway, &next));
}

//! The files that the repository ships are understood without a word, and say of Kong what they claim.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use gateway::config::report::{Report, Source};
use gateway::config::{load, open};
use gateway::settings::Settings;
use gateway::settings::reading::Edge;
use gateway::snapshot::Snapshot;
use gateway::world::World;
use rcgen::{CertificateParams, CertifiedIssuer, DnType, KeyPair};
use std::io;
use std::path::Path;
use std::time::SystemTime;

const KEY: &str = "service-key";

fn variable(name: &str) -> Option<String> {
    (name == "SUPABASE_SERVICE_KEY").then(|| KEY.to_owned())
}

/// The files that the edge's file refers to.
fn file(path: &Path) -> io::Result<Vec<u8>> {
    thread_local! {
        static PEM: String = pem(&["archon.example.com", "supabase.example.com"]);
    }
    match path.extension().and_then(|end| end.to_str()) {
        Some("pem") => Ok(PEM.with(|pem| pem.clone().into_bytes())),
        None if path.ends_with("htpasswd") => Ok(b"admin:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n".to_vec()),
        _ => Err(io::ErrorKind::NotFound.into()),
    }
}

/// A key, its certificate, and the authority that issued that.
fn pem(names: &[&str]) -> String {
    let params = CertificateParams::default();
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
    params.distinguished_name.push(DnType::CommonName, names[0]);
    let leaf = params.signed_by(&key, &authority).unwrap();
    leaf.pem() + &authority.pem() + &key.serialize_pem()
}

fn world() -> World<'static> {
    World { env: &variable, file: &file, now: SystemTime::now() }
}

fn source(path: &str) -> Source {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    Source::new(path, text)
}

fn loaded(path: &str) -> (Snapshot, Report) {
    let (snapshot, report) = load(&source(path), world(), &Settings::default());
    assert_eq!(report.found, [], "{path}");
    (snapshot.unwrap(), report)
}

#[test]
fn the_stacks_file_is_portable() {
    let (snapshot, report) = loaded("gateway.yml");
    assert_eq!(snapshot.services.len(), 7);
    assert_eq!(report.extensions, []);
}

#[test]
fn the_edges_file_has_what_the_edge_needs() {
    let (snapshot, report) = loaded("docker/edge/gateway.yml");
    let certificates = &snapshot.certificates;
    assert_eq!((certificates.pairs.len(), certificates.names.len()), (2, 2));
    assert!(certificates.pairs.iter().all(|pairs| pairs[0].files.paths().count() == 2), "watched");
    let studio = snapshot.routes.iter().find(|route| route.identity.name.as_deref() == Some("studio-all")).unwrap();
    let chain: Vec<_> = studio.chain.names().collect();
    assert_eq!(chain, ["limit-req", "htpasswd", "security-headers"]);
    assert!(snapshot.routes.iter().all(|route| route.https_only.is_some()));
    assert!(report.extensions.iter().any(|found| found.message.contains("`_gateway`")));
}

#[test]
fn the_edges_file_says_where_to_listen() {
    let opened = open(&source("docker/edge/gateway.yml"), world(), Edge::NOTHING);
    let listen = opened.settings().iter().find(|setting| setting.key == "proxy_listen").unwrap();
    assert_eq!(listen.value, "0.0.0.0:80, [::]:80, 0.0.0.0:443 ssl http2, [::]:443 ssl http2");
}

//! Sources to settings: every key is read, every error collected.

use super::judge::judge;
use super::pem::Pem;
use super::reading::{Edge, Note, Reading};
use super::sources::{Raw, Sources};
use super::table::{KEYS, Key};
use super::{Listen, Settings, ignored};

/// Settings that a process can run with.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// What is set and changes nothing, and the like, by key.
    pub notes: Vec<Note>,
    /// The keys that are set and known, with their texts, in the order of the table.
    pub set: Vec<(&'static str, String)>,
}

/// Reads all settings.
///
/// # Errors
/// A message per error, in Kong's words where Kong has the key (`kong/operations.md` §1).
pub fn load(sources: &Sources<'_>, edge: Edge<'_>) -> Result<Loaded, Vec<String>> {
    let (mut raw, mut errors) = sources.merge();
    let written = ["ssl_cert", "ssl_cert_key"].map(|key| raw.contains_key(key));
    let (mut reading, mut set) = (Reading::new(edge), Vec::new());
    for key in KEYS {
        if let Some((name, value)) = take(&mut raw, key, &mut reading) {
            reading.key = name;
            let fault = (key.read)(&mut reading, &value).err();
            errors.extend(fault.map(|f| f.message(name, &value)));
            set.push((name, value));
        }
    }
    note_ignored(&raw, &mut reading, &mut errors);
    pair_certificates(&reading, written, &mut errors);
    show_certificate(&mut reading, &mut errors);
    ask_clients(&mut reading, &mut errors);
    reading.notes.sort_by(|a, b| a.key.cmp(&b.key));
    let Reading { settings, notes, .. } = reading;
    if errors.is_empty() { Ok(Loaded { settings, notes, set }) } else { Err(errors) }
}

/// The value that counts for a key, under the name that it was given; the others are told.
fn take(raw: &mut Raw, key: &Key, reading: &mut Reading<'_>) -> Option<(&'static str, String)> {
    let mut found: Option<(&'static str, String)> = None;
    for &name in key.also.iter().chain([&key.name]) {
        match (raw.remove(name), &found) {
            (None, _) => {}
            (Some(value), None) => found = Some((name, value)),
            (Some(_), Some((winner, _))) => {
                reading.key = name;
                reading.note(&format!("`{winner}` is set as well, and wins"));
            }
        }
    }
    found
}

fn note_ignored(rest: &Raw, reading: &mut Reading<'_>, errors: &mut Vec<String>) {
    let judged = |(key, value): (&String, &String)| Some(judge(key, value, reading.edge).err()?.message(key, value));
    errors.extend(rest.iter().filter_map(judged));
    let notes = rest
        .iter()
        .filter_map(|(key, value)| Some(Note { key: key.clone(), reason: ignored::reason(key, value)?.to_owned() }));
    reading.notes.extend(notes);
}

/// As many certificates as keys. `written` says which of the two keys are set, whether or not they could be read.
fn pair_certificates(reading: &Reading<'_>, written: [bool; 2], errors: &mut Vec<String>) {
    let (certs, keys) = (&reading.settings.ssl_cert, &reading.settings.ssl_cert_key);
    match written {
        [true, false] => errors.push("ssl_cert_key must be specified".to_owned()),
        [false, true] => errors.push("ssl_cert must be specified".to_owned()),
        _ if !certs.is_empty() && !keys.is_empty() && certs.len() != keys.len() => errors.push(format!(
            "ssl_cert was specified {} times while ssl_cert_key was specified {} times",
            certs.len(),
            keys.len()
        )),
        _ => {}
    }
}

/// `client_ssl` needs both files.
fn show_certificate(reading: &mut Reading<'_>, errors: &mut Vec<String>) {
    let missing = |file: &Option<Pem>, key: &str| {
        let told = errors.iter().any(|e| e.starts_with(&format!("{key}:")));
        (file.is_none() && !told).then(|| format!("{key} must be specified"))
    };
    if !reading.client_ssl {
        return;
    }
    let lacking =
        [missing(&reading.client_cert, "client_ssl_cert"), missing(&reading.client_key, "client_ssl_cert_key")];
    errors.extend(lacking.into_iter().flatten());
    reading.settings.client_ssl = reading.client_cert.take().zip(reading.client_key.take());
}

/// What `ssl_client_certificate` and `ssl_verify_client` mean for TLS listeners without a `client_ca` of their own. As in
/// nginx, the file alone asks nobody, which is told.
fn ask_clients(reading: &mut Reading<'_>, errors: &mut Vec<String>) {
    let open = |listen: &&mut Listen| listen.ssl && listen.client_ca.is_none();
    let told = errors.iter().any(|error| error.contains("ssl_client_certificate:"));
    let Some(verify) = reading.client_verify else {
        return note_unasked(reading);
    };
    for listen in reading.settings.proxy_listen.iter_mut().filter(open) {
        (listen.client_ca, listen.client_verify) = (reading.client_ca.clone(), verify);
        if reading.client_ca.is_none() && !told {
            errors.push(format!(
                "ssl_client_certificate must be specified: ssl_verify_client is set, and {} has no `client_ca`",
                listen.address
            ));
        }
    }
}

fn note_unasked(reading: &mut Reading<'_>) {
    if reading.client_ca.is_some() {
        reading.key = "ssl_client_certificate";
        reading.note("no client is asked for a certificate while `ssl_verify_client` is off");
    }
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;

//! A server's certificate in words, and why it is not believed.

use crate::keys;
use crate::token::when;
use rustls::CertificateError;
use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{GeneralName, X509Certificate};
use x509_parser::x509::X509Name;

/// Most names that are listed.
const NAMES: usize = 3;

/// `for a.test, b.test by Some CA, until 2027-01-01 00:00 UTC`.
pub(super) fn words(certificate: &CertificateDer<'_>) -> String {
    let Ok(parsed) = keys::parse(certificate) else { return "that cannot be read".to_owned() };
    let issuer = if parsed.subject() == parsed.issuer() { "itself".to_owned() } else { common(parsed.issuer()) };
    let until = when::date(parsed.validity().not_after.timestamp());
    clean(&format!("for {} by {issuer}, until {until}", names(&parsed)))
}

fn names(certificate: &X509Certificate<'_>) -> String {
    let alternatives = certificate.subject_alternative_name().ok().flatten();
    let all: Vec<_> = alternatives.iter().flat_map(|names| &names.value.general_names).filter_map(name).collect();
    match all.len() {
        0 => common(certificate.subject()),
        n if n > NAMES => format!("{} and {} more", all[..NAMES].join(", "), n - NAMES),
        _ => all.join(", "),
    }
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match *bytes {
            [a, b, c, d] => Some(std::net::Ipv4Addr::new(*a, *b, *c, *d).to_string()),
            _ => <[u8; 16]>::try_from(*bytes).ok().map(|bytes| std::net::Ipv6Addr::from(bytes).to_string()),
        },
        _ => None,
    }
}

fn common(name: &X509Name<'_>) -> String {
    let common = name.iter_common_name().find_map(|common| common.as_str().ok());
    common.map_or_else(|| name.to_string(), str::to_owned)
}

/// What a stranger wrote goes to a terminal.
fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// Why a certificate is not believed.
pub(super) fn refusal(error: &CertificateError) -> String {
    let date = |time: rustls::pki_types::UnixTime| when::date(i64::try_from(time.as_secs()).unwrap_or(i64::MAX));
    match error {
        CertificateError::UnknownIssuer => "nobody who is trusted issued it".to_owned(),
        CertificateError::ExpiredContext { not_after, .. } => format!("it expired on {}", date(*not_after)),
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("it is not valid before {}", date(*not_before))
        }
        CertificateError::NotValidForNameContext { expected, .. } => format!("it is not for `{}`", expected.to_str()),
        CertificateError::BadSignature => "the server does not have its key".to_owned(),
        CertificateError::Other(other) => clean(&other.to_string()),
        other => clean(&other.to_string()),
    }
}

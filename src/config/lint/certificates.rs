//! Certificates that clients will not take.

use super::Rule;
use super::subject::Subject;
use super::token::date;
use crate::config::model::Entity;
use crate::config::pem;
use crate::config::report::{Diagnostic, Report};
use crate::config::value::Checked;
use crate::keys;
use rustls::pki_types::CertificateDer;
use std::collections::HashMap;
use std::time::{Duration, SystemTime};
use uuid::Uuid;
use x509_parser::prelude::{GeneralName, ParsedExtension, X509Certificate};

pub(super) static TIME: Rule = Rule {
    code: "certificate-time",
    summary: "a certificate has expired, expires soon, or is not valid yet",
    explain: "Browsers refuse a certificate outside of its time. `Soon` is the last tenth of its life, but no more than 14 \
        days: whatever renews it should have done so before.\n\nRenew it. A certificate that comes from a file \
        (`{vault://file/…}`) is read anew when the file changes.",
    bad: r#"certificates:
  - cert: "{vault://file/etc/tls/expired.pem}"
    key: "{vault://file/etc/tls/key.pem}"
    snis: [{name: a.example.com}]"#,
    good: r#"certificates:
  - cert: "{vault://file/etc/tls/good.pem}"
    key: "{vault://file/etc/tls/key.pem}"
    snis: [{name: a.example.com}]"#,
    run: time,
};

pub(super) static NAME: Rule = Rule {
    code: "certificate-name",
    summary: "a certificate is not made out for a name that it is shown for",
    explain: "The certificate lists the names that it is good for; a browser that asked for another one refuses it. A `*` \
        stands for one label: `*.example.com` covers `a.example.com`, neither `example.com` nor `a.b.example.com`.\n\nGet \
        a certificate with this name in it, or remove the name from `snis`.",
    bad: r#"certificates:
  - cert: "{vault://file/etc/tls/good.pem}"
    key: "{vault://file/etc/tls/key.pem}"
    snis: [{name: other.example.org}]   # it is made out for a.example.com"#,
    good: r#"certificates:
  - cert: "{vault://file/etc/tls/good.pem}"
    key: "{vault://file/etc/tls/key.pem}"
    snis: [{name: a.example.com}]"#,
    run: name,
};

pub(super) static CHAIN: Rule = Rule {
    code: "certificate-chain",
    summary: "a certificate comes without the ones that lead to its authority",
    explain: "The certificate was issued by an intermediate authority, which is to be sent along, in order: the \
        certificate itself first, then its issuer. Most browsers find a missing one; curl, mobile apps and webhooks do \
        not, and fail with `unable to get local issuer certificate`.\n\nUse the file with the whole chain \
        (`fullchain.pem` of certbot, not `cert.pem`).",
    bad: r#"certificates:
  - cert: "{vault://file/etc/tls/no-chain.pem}"
    key: "{vault://file/etc/tls/key.pem}"
    snis: [{name: a.example.com}]"#,
    good: r#"certificates:
  - cert: "{vault://file/etc/tls/good.pem}"
    key: "{vault://file/etc/tls/key.pem}"
    snis: [{name: a.example.com}]"#,
    run: chain,
};

pub(super) static SELF_SIGNED: Rule = Rule {
    code: "certificate-self-signed",
    summary: "a certificate for a public name is signed by nobody but itself",
    explain: "Browsers warn of a certificate that no authority signed, and other programs refuse it. For a name on a local \
        network this may be meant, and is not told; for a public one it is probably left from a trial.\n\nLet's Encrypt \
        gives certificates at no cost.",
    bad: r#"certificates:
  - cert: "{vault://file/etc/tls/self-signed.pem}"
    key: "{vault://file/etc/tls/key.pem}"
    snis: [{name: a.example.com}]"#,
    good: r#"certificates:
  - cert: "{vault://file/etc/tls/good.pem}"
    key: "{vault://file/etc/tls/key.pem}"
    snis: [{name: a.example.com}]"#,
    run: self_signed,
};

const SOON: Duration = Duration::from_secs(14 * 86_400);

/// The chain of a field, and what says so.
fn each(subject: &Subject<'_>, report: &mut Report, say: impl Fn(&Entity, &[X509Certificate<'_>]) -> Vec<Diagnostic>) {
    for entity in subject.model.all("certificates") {
        for field in ["cert", "cert_alt"] {
            let chain = entity.fields.str(field).and_then(|pem| pem::certificates(pem).ok()).unwrap_or_default();
            let ders: Vec<_> = chain.into_iter().map(CertificateDer::from).collect();
            let parsed: Vec<_> = ders.iter().map_while(|der| keys::parse(der).ok()).collect();
            if !parsed.is_empty() {
                report.found.extend(say(entity, &parsed));
            }
        }
    }
}

fn place(entity: &Entity) -> crate::config::report::Span {
    entity.fields.get("cert").map_or(entity.place, |cert| cert.span)
}

/// What to call it: the names that it is made out for.
fn called(certificate: &X509Certificate<'_>) -> String {
    match names(certificate).as_slice() {
        [] => "this certificate".to_owned(),
        [one] => format!("the certificate for `{one}`"),
        [one, ..] => format!("the certificate for `{one}` and others"),
    }
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let alternative = certificate.subject_alternative_name().ok().flatten();
    let names = alternative.into_iter().flat_map(|extension| &extension.value.general_names);
    let texts = names.filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        _ => None,
    });
    texts.collect()
}

fn at(time: x509_parser::time::ASN1Time) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(time.timestamp()).unwrap_or_default())
}

fn time(subject: &Subject<'_>, report: &mut Report) {
    let now = subject.world.now;
    each(subject, report, |entity, chain| {
        let (from, to) = (at(chain[0].validity().not_before), at(chain[0].validity().not_after));
        let life = to.duration_since(from).unwrap_or_default();
        let left = to.duration_since(now).unwrap_or_default();
        let what = called(&chain[0]);
        let (message, help) = match () {
            () if now == SystemTime::UNIX_EPOCH => return Vec::new(),
            () if now > to => (format!("{what} expired on {}", date(to)), "renew it"),
            () if now < from => {
                (format!("{what} is not valid before {}", date(from)), "look whether the clock is right")
            }
            () if left < SOON.min(life / 10) => {
                (format!("{what} expires on {}", date(to)), "renew it, and see why it was not renewed by itself")
            }
            () => return Vec::new(),
        };
        vec![TIME.warn(place(entity), message).help(help)]
    });
}

fn name(subject: &Subject<'_>, report: &mut Report) {
    let mut snis: HashMap<Uuid, Vec<&Checked>> = HashMap::new();
    for sni in subject.model.all("snis") {
        if let Some((certificate, name)) = sni.link("certificate").zip(sni.fields.get("name")) {
            snis.entry(certificate).or_default().push(name);
        }
    }
    each(subject, report, |entity, chain| {
        let names = names(&chain[0]);
        let asked = snis.get(&entity.id).into_iter().flatten();
        let missing = asked.filter(|sni| !sni.as_str().unwrap_or_default().contains('*') && !covers(&names, sni));
        missing.map(|sni| not_for(entity, sni, &names)).collect()
    });
}

fn not_for(entity: &Entity, sni: &Checked, names: &[String]) -> Diagnostic {
    let listed = if names.is_empty() { "no name".to_owned() } else { names.join(", ") };
    let message = format!("the certificate for `{}` is not made out for it", sni.as_str().unwrap_or_default());
    let warning = NAME.warn(sni.span, message).also(place(entity), format!("made out for {listed}"));
    warning.help("get a certificate with this name in it")
}

/// A `*` stands for one label (RFC 6125 §6.4.3).
fn covers(names: &[String], sni: &Checked) -> bool {
    let sni = sni.as_str().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
    let fits = |name: &String| {
        *name == sni
            || name.strip_prefix("*.").is_some_and(|parent| sni.split_once('.').is_some_and(|(_, rest)| rest == parent))
    };
    names.iter().any(fits)
}

fn is_self_signed(certificate: &X509Certificate<'_>) -> bool {
    certificate.issuer() == certificate.subject()
}

fn chain(subject: &Subject<'_>, report: &mut Report) {
    each(subject, report, |entity, chain| {
        let broken = chain.windows(2).any(|pair| pair[0].issuer() != pair[1].subject());
        // An authority of one's own signs without intermediates, and says nowhere where they could be had.
        let alone = chain.len() == 1 && !is_self_signed(&chain[0]) && says_where(&chain[0]);
        let (message, help) = match (broken, alone) {
            (true, _) => (
                "is not followed by its issuer's",
                "put the certificates in order: its own first, then the one that issued it",
            ),
            (_, true) => (
                "comes without its issuer's",
                "use the file with the whole chain (certbot: fullchain.pem, not cert.pem)",
            ),
            _ => return Vec::new(),
        };
        let message = format!("{} {message}", called(&chain[0]));
        vec![CHAIN.warn(place(entity), message).label(format!("issued by {}", chain[0].issuer())).help(help)]
    });
}

/// Whether it names an address from which its issuer's certificate can be had, as public authorities do.
fn says_where(certificate: &X509Certificate<'_>) -> bool {
    let issuers = |extension: &ParsedExtension<'_>| match extension {
        ParsedExtension::AuthorityInfoAccess(access) => {
            access.accessdescs.iter().any(|access| access.access_method.to_id_string() == "1.3.6.1.5.5.7.48.2")
        }
        _ => false,
    };
    certificate.extensions().iter().any(|extension| issuers(extension.parsed_extension()))
}

fn self_signed(subject: &Subject<'_>, report: &mut Report) {
    each(subject, report, |entity, chain| {
        let public = names(&chain[0]).into_iter().find(|name| is_public(name));
        let found = public.filter(|_| is_self_signed(&chain[0])).map(|name| {
            let message = format!("the certificate for `{name}` is signed by nobody but itself");
            SELF_SIGNED
                .warn(place(entity), message)
                .help("browsers warn of it; get one from an authority, such as Let's Encrypt")
        });
        found.into_iter().collect()
    });
}

fn is_public(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    let private = ["example", "internal", "invalid", "lan", "local", "localdomain", "localhost", "home", "test"];
    name.contains('.') && !private.contains(&last) && !name.ends_with(".home.arpa")
}

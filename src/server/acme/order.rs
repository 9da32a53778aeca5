//! One conversation with an authority (RFC 8555 §7): an account, an order, its challenges, a certificate. And what the
//! authority advises on a renewal (RFC 9773).

use super::client::Client;
use super::folder::Folder;
use crate::acme::{External, KeyKind, Plan, Posted};
use crate::keys;
use crate::upstream::tls::ClientConfigs;
use instant_acme::{
    Account, AuthorizationStatus, CertificateIdentifier, ChallengeType, Error, ExternalAccountKey, Identifier,
    NewAccount, NewOrder, Order, OrderStatus, Problem, RetryPolicy,
};
use rcgen::{CertificateParams, DistinguishedName, KeyPair, RsaKeySize};
use rustls::pki_types::ServerName;
use rustls::sign::CertifiedKey;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use webpki::EndEntityCert;

/// Longest time for the authority to look at the challenges, and for it to make a certificate.
const PATIENCE: Duration = Duration::from_secs(120);
/// Most characters of what an authority says that are told.
const MOST: usize = 300;

/// Who orders, from whom.
pub(super) struct Desk<'a> {
    pub plan: &'a Plan,
    pub folder: &'a mut Folder,
    pub configs: &'a Arc<ClientConfigs>,
}

/// A certificate that was issued.
pub(super) struct Issued {
    pub pair: CertifiedKey,
    /// Chain and key.
    pub pem: String,
}

/// When the authority wants a certificate to be renewed.
pub(super) struct Advice {
    pub start: SystemTime,
    pub end: SystemTime,
    /// When it is worth asking again.
    pub again: Duration,
}

// === impl Desk ===

impl Desk<'_> {
    /// Has a certificate issued for a name. The new one takes the place of another, if there is one.
    ///
    /// # Errors
    /// Why there is none, for the log.
    pub(super) async fn order(&mut self, name: &str, other: Option<&CertifiedKey>) -> Result<Issued, String> {
        let account = self.account().await.map_err(words)?;
        let order = begin(&account, name, other).await;
        let mut order = order.map_err(|error| self.refused(error))?;
        // They are answered as long as this is there.
        let posted = self.post(&mut order).await.map_err(words)?;
        let ready = order.poll_ready(&patience()).await;
        if !matches!(ready, Ok(OrderStatus::Ready)) {
            return Err(reason(&mut order, ready).await);
        }
        drop(posted);
        let key = generate(self.plan.key).map_err(|error| error.to_string())?;
        order.finalize_csr(&request(name, &key).map_err(|error| error.to_string())?).await.map_err(words)?;
        let chain = order.poll_certificate(&patience()).await.map_err(words)?;
        issued(name, &chain, &key)
    }

    /// What the authority advises for a certificate of its own.
    ///
    /// # Errors
    /// Why it says nothing, for the log.
    pub(super) async fn advice(&mut self, pair: &CertifiedKey) -> Result<Advice, String> {
        let leaf = pair.cert.first().ok_or("there is no certificate")?;
        let id = CertificateIdentifier::try_from(leaf)?;
        let (info, again) = self.account().await.map_err(words)?.renewal_info(&id).await.map_err(words)?;
        let window = info.suggested_window;
        Ok(Advice { start: window.start.into(), end: window.end.into(), again })
    }

    /// The account that is kept, or a new one.
    async fn account(&mut self) -> Result<Account, Error> {
        let builder = || Account::builder_with_http(Box::new(Client(Arc::clone(self.configs))));
        let kept = self.folder.account(&self.plan.email).and_then(|json| serde_json::from_slice(&json).ok());
        if let Some(kept) = kept {
            return builder().from_credentials(kept).await;
        }
        let contact = format!("mailto:{}", self.plan.email);
        let new =
            NewAccount { contact: &[&contact], terms_of_service_agreed: self.plan.agreed, only_return_existing: false };
        let external =
            self.plan.external.as_ref().map(|External { id, key }| ExternalAccountKey::new(id.to_string(), key));
        let (account, made) = builder().create(&new, self.plan.directory.to_string(), external.as_ref()).await?;
        self.folder.keep_account(&self.plan.email, serde_json::to_vec(&made)?);
        tracing::info!(directory = %self.plan.directory, "the authority for certificates has a new account");
        Ok(account)
    }

    /// An account that the authority has forgotten is forgotten here, too: the next attempt makes another.
    fn refused(&mut self, error: Error) -> String {
        if is(&error, "accountDoesNotExist") {
            self.folder.forget_account(&self.plan.email);
        }
        words(error)
    }

    /// Makes ready for the authority's challenges, and says so.
    async fn post(&self, order: &mut Order) -> Result<Vec<Posted>, Error> {
        let (mut posted, mut authorizations) = (Vec::new(), order.authorizations());
        while let Some(next) = authorizations.next().await {
            let mut authorization = next?;
            if authorization.status == AuthorizationStatus::Valid {
                continue;
            }
            let challenge = authorization.challenge(ChallengeType::Http01);
            let mut challenge = challenge.ok_or(Error::Str("the authority has no challenge HTTP-01 for it"))?;
            posted.push(self.plan.challenges.post(&challenge.token, challenge.key_authorization().as_str()));
            challenge.set_ready().await?;
        }
        Ok(posted)
    }
}

fn patience() -> RetryPolicy {
    RetryPolicy::new().initial_delay(Duration::from_millis(250)).backoff(1.5).timeout(PATIENCE)
}

/// Says which certificate it will take the place of, unless the authority does not want to know.
async fn begin(account: &Account, name: &str, other: Option<&CertifiedKey>) -> Result<Order, Error> {
    let names = [Identifier::Dns(name.to_owned())];
    let id = other.and_then(|pair| CertificateIdentifier::try_from(pair.cert.first()?).ok());
    if let Some(id) = id {
        match account.new_order(&NewOrder::new(&names).replaces(id)).await {
            Err(error) if is_about_replacing(&error) => {}
            done => return done,
        }
    }
    account.new_order(&NewOrder::new(&names)).await
}

/// RFC 9773 §5: the other one may have been replaced already, or be another account's; some authorities know nothing of it.
fn is_about_replacing(error: &Error) -> bool {
    matches!(error, Error::Unsupported(_)) || ["alreadyReplaced", "malformed"].iter().any(|kind| is(error, kind))
}

/// Whether the authority named this kind of error (RFC 8555 §6.7).
fn is(error: &Error, kind: &str) -> bool {
    let Error::Api(problem) = error else { return false };
    problem.r#type.as_deref().and_then(|named| named.rsplit(':').next()) == Some(kind)
}

/// Why an order is not ready: what the authority says of a challenge tells more than what it says of the order.
async fn reason(order: &mut Order, ready: Result<OrderStatus, Error>) -> String {
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        if authorization.refresh().await.is_err() {
            break;
        }
        if let Some(problem) = authorization.challenges.iter().find_map(|challenge| challenge.error.as_ref()) {
            return short(&told(problem));
        }
    }
    ready.map_or_else(words, |status| format!("the order is {status:?}"))
}

fn generate(kind: KeyKind) -> Result<KeyPair, rcgen::Error> {
    let rsa = |size| KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, size);
    match kind {
        KeyKind::P256 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256),
        KeyKind::Rsa2048 => rsa(RsaKeySize::_2048),
        KeyKind::Rsa3072 => rsa(RsaKeySize::_3072),
        KeyKind::Rsa4096 => rsa(RsaKeySize::_4096),
    }
}

/// A request for a certificate (PKCS #10), as DER.
fn request(name: &str, key: &KeyPair) -> Result<Vec<u8>, rcgen::Error> {
    let mut params = CertificateParams::new(vec![name.to_owned()])?;
    params.distinguished_name = DistinguishedName::new();
    Ok(params.serialize_request(key)?.der().to_vec())
}

/// What came must be for the key and for the name.
fn issued(name: &str, chain: &str, key: &KeyPair) -> Result<Issued, String> {
    let pem = format!("{}\n{}", chain.trim_end(), key.serialize_pem());
    let chain = keys::certificates_of(chain.as_bytes()).map_err(|error| error.to_string())?;
    let private = keys::private_key_of(pem.as_bytes()).map_err(|error| error.to_string())?;
    let pair = keys::certified(chain, private).map_err(|error| error.to_string())?;
    let leaf = pair.cert.first().ok_or("there is no certificate")?;
    let leaf = EndEntityCert::try_from(leaf).map_err(|error| error.to_string())?;
    let subject = ServerName::try_from(name).map_err(|error| error.to_string())?;
    leaf.verify_is_valid_for_subject_name(&subject).map_err(|_| "it is for another name".to_owned())?;
    Ok(Issued { pair, pem })
}

fn words(error: Error) -> String {
    short(&match error {
        Error::Api(problem) => told(&problem),
        Error::Timeout(_) => "the authority did not decide in time".to_owned(),
        Error::Json(_) => "the authority's answer is not that of an ACME server".to_owned(),
        other => other.to_string(),
    })
}

fn told(problem: &Problem) -> String {
    let text = problem.to_string();
    format!("the authority says{}", text.strip_prefix("API error").unwrap_or(&text))
}

/// On one line, and no longer than can be read.
fn short(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MOST).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn problem(json: &str) -> Error {
        Error::Api(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn an_authority_is_quoted_on_one_line() {
        let text = r#"{"type": "urn:ietf:params:acme:error:rateLimited", "detail": "too many\ncertificates"}"#;
        let text = words(problem(text));
        assert_eq!(text, "the authority says: too many certificates (urn:ietf:params:acme:error:rateLimited)");
        let long = format!(r#"{{"detail": "{}"}}"#, "a".repeat(5000));
        assert_eq!(words(problem(&long)).chars().count(), MOST);
    }

    #[test]
    fn kinds_of_errors_are_told_apart() {
        let gone = problem(r#"{"type": "urn:ietf:params:acme:error:accountDoesNotExist"}"#);
        assert!(is(&gone, "accountDoesNotExist") && !is_about_replacing(&gone));
        assert!(is_about_replacing(&problem(r#"{"type": "urn:ietf:params:acme:error:alreadyReplaced"}"#)));
        assert!(is_about_replacing(&Error::Unsupported("ARI")) && !is_about_replacing(&Error::Crypto));
    }

    #[test]
    fn what_was_issued_must_be_for_the_key_and_the_name() {
        let sign = |name: &str, key: &KeyPair| {
            let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
            params.self_signed(key).unwrap().pem()
        };
        let (key, other) = (generate(KeyKind::P256).unwrap(), generate(KeyKind::P256).unwrap());
        let issued_for = |name, chain: &str| issued(name, chain, &key).map(|issued| issued.pem);
        let pem = issued_for("a.test", &sign("a.test", &key)).unwrap();
        keys::private_key_of(pem.as_bytes()).unwrap();
        assert_eq!(issued_for("a.test", &sign("a.test", &other)).unwrap_err(), "certificate does not match key");
        assert_eq!(issued_for("a.test", &sign("b.test", &key)).unwrap_err(), "it is for another name");
        assert!(issued_for("a.test", "").is_err());
    }

    #[test]
    fn keys_are_of_the_kind_that_is_wanted() {
        for kind in [KeyKind::P256, KeyKind::Rsa2048] {
            let key = generate(kind).unwrap();
            assert_eq!(key.is_compatible(&rcgen::PKCS_ECDSA_P256_SHA256), kind == KeyKind::P256);
            assert!(!request("a.test", &key).unwrap().is_empty());
        }
    }
}

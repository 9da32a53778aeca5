//! What a certificate says of itself, for people and for deciding whether it may be served.

use super::{KeyError, parse};
use rustls::sign::CertifiedKey;
use std::time::{Duration, SystemTime};

/// Number and times of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Serial number, in hexadecimal with colons, as `openssl x509 -serial` counts.
    pub serial: String,
    /// When it begins to be valid.
    pub not_before: SystemTime,
    /// The last moment at which it is valid.
    pub not_after: SystemTime,
}

/// The facts of a chain's first certificate.
///
/// # Errors
/// If it cannot be read.
pub fn facts(pair: &CertifiedKey) -> Result<Facts, KeyError> {
    let leaf = pair.cert.first().ok_or_else(|| KeyError::BadCertificate("there is none".to_owned()))?;
    let leaf = parse(leaf).map_err(KeyError::BadCertificate)?;
    Ok(Facts {
        serial: leaf.raw_serial_as_string(),
        not_before: time(leaf.validity().not_before.timestamp()),
        not_after: time(leaf.validity().not_after.timestamp()),
    })
}

/// What lies before 1970 is as good as 1970.
fn time(seconds: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
}

// === impl Facts ===

impl Facts {
    /// Whether it is valid at a time.
    ///
    /// # Errors
    /// A clause that says why not.
    pub fn valid_at(&self, now: SystemTime) -> Result<(), String> {
        if now > self.not_after {
            return Err(format!("it expired on {}", self.until()));
        }
        if now < self.not_before {
            return Err(format!("it is not valid before {}", httpdate::fmt_http_date(self.not_before)));
        }
        Ok(())
    }

    /// How long it is valid.
    #[must_use]
    pub fn life(&self) -> Duration {
        self.not_after.duration_since(self.not_before).unwrap_or_default()
    }

    /// The end of its validity, as a date.
    #[must_use]
    pub fn until(&self) -> String {
        httpdate::fmt_http_date(self.not_after)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::keys::{certified_der, fixtures};

    #[test]
    fn times_decide() {
        let pair = fixtures::expired(&["a.test"]);
        let facts = facts(&certified_der(&pair.chain, &pair.key).unwrap()).unwrap();
        let day = Duration::from_secs(86_400);
        assert!(facts.valid_at(facts.not_after).is_ok());
        assert_eq!(facts.valid_at(facts.not_after + day).unwrap_err(), format!("it expired on {}", facts.until()));
        assert!(facts.valid_at(facts.not_before - day).unwrap_err().starts_with("it is not valid before "));
        assert!(facts.serial.contains(':'), "{}", facts.serial);
    }
}

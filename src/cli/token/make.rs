//! `gateway token mint` and `keys`: the tokens on standard output, what they are on standard error.

use super::args::{Format, Keys, Mint};
use super::{Failure, source};
use crate::cli::{REFUSED, UNREADABLE, print};
use crate::crypto;
use crate::token::key::{Secret, Signer, name};
use crate::token::mint::{self, Claims, ISSUER};
use crate::token::{plain, when};
use serde_json::{Map, Value};

/// The roles of Supabase's two keys, and their names in a `.env`.
const PAIR: [(&str, &str); 2] = [("ANON_KEY", "anon"), ("SERVICE_ROLE_KEY", "service_role")];

/// What signs, and how to call it.
struct Hand {
    signer: Signer,
    place: String,
    weakness: Option<String>,
}

pub(super) fn mint(args: &Mint, now: i64) -> Result<(), Failure> {
    let hand = hand(args)?;
    let claims = Claims {
        role: args.role.clone(),
        issuer: args.iss.clone(),
        subject: args.sub.clone(),
        audience: args.aud.clone(),
        issued: now,
        expires: expiry(args.exp.as_deref().unwrap_or_else(|| usual(&args.role)), now)?,
        others: args.claims.iter().cloned().collect(),
    };
    let token = made(&claims, &hand, args.kid.as_deref())?;
    print::err(&(facts(&claims, &hand, now) + &warnings(&hand)));
    print::out(&format!("{token}\n"));
    Ok(())
}

/// Supabase's keys are as good as passwords of programs; a user's token is not.
fn usual(role: &str) -> &'static str {
    if PAIR.iter().any(|(_, key)| *key == role) { "10y" } else { "1h" }
}

fn expiry(text: &str, now: i64) -> Result<Option<i64>, Failure> {
    when::expiry(text, now).map_err(|message| Failure(UNREADABLE, message))
}

fn hand(args: &Mint) -> Result<Hand, Failure> {
    let unreadable = |message| Failure(UNREADABLE, message);
    let Some(path) = &args.key else {
        let (secret, place) = source::secret(&args.secret).map_err(unreadable)?;
        return Hand::secret(&secret, place, args.alg);
    };
    let place = format!("the key in {}", path.display());
    let pem = source::file(path).map_err(unreadable)?;
    let signer = Signer::pem(&pem, args.alg).map_err(|error| Failure(REFUSED, format!("{place}: {error}")))?;
    Ok(Hand { signer, place, weakness: None })
}

impl Hand {
    fn secret(secret: &Secret, place: String, algorithm: Option<jsonwebtoken::Algorithm>) -> Result<Self, Failure> {
        let signer = Signer::secret(secret, algorithm).map_err(|error| Failure(REFUSED, error.to_string()))?;
        Ok(Self { weakness: secret.weakness(signer.algorithm()), signer, place })
    }
}

fn made(claims: &Claims, hand: &Hand, key_id: Option<&str>) -> Result<String, Failure> {
    mint::mint(claims, &hand.signer, key_id).map_err(|error| Failure(REFUSED, error.to_string()))
}

/// `role anon, signed by JWT_SECRET in .env (HS256), until 2036-11-25 22:30 UTC (in 10 years)`.
fn facts(claims: &Claims, hand: &Hand, now: i64) -> String {
    let end = claims.expires.map(|at| format!("until {} ({})", when::date(at), when::away(at, now)));
    let end = end.unwrap_or_else(|| "for ever".to_owned());
    let (role, algorithm) = (plain(&claims.role), name(hand.signer.algorithm()));
    format!("role {role}, signed by {} ({algorithm}), {end}\n", hand.place)
}

fn warnings(hand: &Hand) -> String {
    let help = "`gateway token keys --new` makes a good one";
    hand.weakness.as_ref().map(|reason| format!("warning: {reason}; {help}\n")).unwrap_or_default()
}

pub(super) fn keys(args: &Keys, now: i64) -> Result<(), Failure> {
    let fresh = args.new.then(fresh).transpose()?;
    let hand = match &fresh {
        Some(text) => {
            let secret = Secret::new(text.as_bytes()).map_err(|error| Failure(REFUSED, error.to_string()))?;
            Hand::secret(&secret, format!("a new {}", args.secret.secret_name), None)?
        }
        None => {
            let (secret, place) = source::secret(&args.secret).map_err(|message| Failure(UNREADABLE, message))?;
            Hand::secret(&secret, place, None)?
        }
    };
    let expires = expiry(&args.exp, now)?;
    let mut pairs: Vec<_> = fresh.into_iter().map(|text| (args.secret.secret_name.clone(), text)).collect();
    for (key, role) in PAIR {
        let claims = Claims { role: role.into(), issuer: ISSUER.into(), issued: now, expires, ..Claims::default() };
        pairs.push((key.to_owned(), made(&claims, &hand, None)?));
        print::err(&format!("{key}: {}", facts(&claims, &hand, now)));
    }
    print::err(&warnings(&hand));
    print::out(&written(&pairs, args.format));
    Ok(())
}

/// A new secret.
fn fresh() -> Result<String, Failure> {
    let mut random = [0; 32];
    let filled = crypto::provider().secure_random.fill(&mut random);
    filled.map_err(|_| Failure(REFUSED, "the system has no random numbers for a secret".to_owned()))?;
    Ok(mint::secret(&random))
}

/// Neither tokens nor new secrets have letters that need escaping.
fn written(pairs: &[(String, String)], format: Format) -> String {
    let lines = |before: &str, quote: &str| {
        pairs.iter().map(|(name, value)| format!("{before}{name}={quote}{value}{quote}\n")).collect()
    };
    match format {
        Format::Env => lines("", ""),
        Format::Shell => lines("export ", "'"),
        Format::Json => {
            let object: Map<_, _> = pairs.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
            format!("{:#}\n", Value::Object(object))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_ways_to_write_a_pair() {
        let pairs = [("A".to_owned(), "1".to_owned()), ("B".to_owned(), "2".to_owned())];
        assert_eq!(written(&pairs, Format::Env), "A=1\nB=2\n");
        assert_eq!(written(&pairs, Format::Shell), "export A='1'\nexport B='2'\n");
        assert_eq!(written(&pairs, Format::Json), "{\n  \"A\": \"1\",\n  \"B\": \"2\"\n}\n");
    }
}

//! `gateway token`: tokens made, read and verified. Secrets come from files and variables, and are never shown.

pub(super) mod args;
mod dotenv;
mod make;
mod source;

use super::{REFUSED, UNREADABLE, print};
use crate::token::inspect::{lines, remarks};
use crate::token::key::Keys;
use crate::token::verify::{Expected, Fault, verify};
use crate::token::{Token, plain, when};
use args::{Inspect, Verify};
use serde_json::json;
use std::process::ExitCode;
use std::time::SystemTime;

/// Why nothing came of it: exit code and message.
struct Failure(u8, String);

/// Does what was asked.
pub(super) fn main(args: &args::Token) -> ExitCode {
    let refused = args.secret().map_or(Ok(()), args::Secret::refuse).map_err(|message| Failure(UNREADABLE, message));
    match refused.and_then(|()| act(args, now())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(code, message)) => {
            print::err(&format!("error: {message}\n"));
            ExitCode::from(code)
        }
    }
}

fn act(args: &args::Token, now: i64) -> Result<(), Failure> {
    match args {
        args::Token::Mint(args) => make::mint(args, now),
        args::Token::Keys(args) => make::keys(args, now),
        args::Token::Inspect(args) => inspect(args, now),
        args::Token::Verify(args) => check(args, now),
    }
}

/// Seconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

fn inspect(args: &Inspect, now: i64) -> Result<(), Failure> {
    let token = token(&args.token, REFUSED)?;
    let remarks = remarks(&token, now);
    print::out(&match args.json {
        true => format!("{:#}\n", json!({"header": token.header, "claims": token.claims, "remarks": remarks})),
        false => table(&token, &remarks, now),
    });
    Ok(())
}

/// Names in one column, values in the next.
fn table(token: &Token, remarks: &[String], now: i64) -> String {
    let lines = lines(token, now);
    let width = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    let mut text: String = lines.iter().map(|(name, value)| format!("{name:width$}  {value}\n")).collect();
    text.extend(remarks.iter().map(|remark| format!("note: {remark}\n")));
    text + "nothing was verified; `gateway token verify` does\n"
}

fn check(args: &Verify, now: i64) -> Result<(), Failure> {
    let (keys, place) = keys(args).map_err(|message| Failure(UNREADABLE, message))?;
    for reason in &keys.unusable {
        print::err(&format!("note: {place}: {reason}, so it is left out\n"));
    }
    let token = token(&args.token, REFUSED)?;
    let expected = Expected { leeway: i64::from(args.leeway), issuer: args.iss.clone(), audience: args.aud.clone() };
    verify(&token, &keys, &expected, now).map_err(|faults| refused(&faults, &place))?;
    print::out(&verdict(&token, &place, now));
    Ok(())
}

/// Every fault, and what to do about the commonest.
fn refused(faults: &[Fault], place: &str) -> Failure {
    let told: Vec<_> = faults.iter().map(|fault| format!("the token is not good: {fault}")).collect();
    let help = format!("\nhelp: it was verified with {place}; `gateway token keys` makes the keys that fit a secret");
    let foreign = matches!(faults.first(), Some(Fault::Signature(None)));
    Failure(REFUSED, told.join("\nerror: ") + if foreign { &help } else { "" })
}

/// `good: role service_role, signed by JWT_SECRET in .env (HS256), until 2036-… (in 10 years)`.
fn verdict(token: &Token, place: &str, now: i64) -> String {
    let role = token.claim("role").map_or_else(|| "no role".to_owned(), |role| format!("role {}", plain(role)));
    let end = token.time("exp").map(|at| format!("until {} ({})", when::date(at), when::away(at, now)));
    let end = end.unwrap_or_else(|| "for ever".to_owned());
    format!("good: {role}, signed by {place} ({}), {end}\n", token.algorithm().unwrap_or_default())
}

fn keys(args: &Verify) -> Result<(Keys, String), String> {
    let (path, read): (_, fn(&[u8]) -> _) = match (&args.key, &args.jwks) {
        (Some(path), _) => (path, Keys::pem),
        (None, Some(path)) => (path, Keys::jwks),
        (None, None) => {
            let (secret, place) = source::secret(&args.secret)?;
            return Ok((Keys::secret(secret), place));
        }
    };
    let place = format!("{} {}", if args.key.is_some() { "the key in" } else { "a key of" }, path.display());
    let keys = read(&source::file(path)?).map_err(|error| format!("{place}: {error}"))?;
    Ok((keys, place))
}

fn token(args: &args::Given, code: u8) -> Result<Token, Failure> {
    let text = source::token(args).map_err(|message| Failure(UNREADABLE, message))?;
    Token::parse(&text).map_err(|error| Failure(code, error.to_string()))
}

//! What `gateway token` can be told. Declarations only.

use crate::token::{key, mint};
use clap::{Args, Subcommand, ValueEnum};
use jsonwebtoken::Algorithm;
use std::path::PathBuf;

const MINT_HELP: &str = "\
Only the token goes to standard output, so that it can be put somewhere; what it is goes to standard error.

Examples:
  gateway token mint --role service_role --env-file .env
  export ANON_KEY=$(gateway token mint --role anon)          the secret is in JWT_SECRET
  gateway token mint --role authenticated --sub 7b9f… --exp 15m --claim plan=free
  gateway token mint --role api --key private.pem --kid 2026 --exp 30d

Exit status: 0 done, 1 no token can be made with that key, 2 wrong usage or an unreadable file.";

const KEYS_HELP: &str = "\
Lines for the `.env` of a Supabase stack: the two keys that its clients and services present. With --new, also the secret
that they are signed with. Whoever has a key that the old secret signed needs a new one then.

Examples:
  gateway token keys --env-file .env             the pair for the JWT_SECRET that is in .env
  gateway token keys --new > keys.env            a new secret, and the pair for it
  eval \"$(gateway token keys --env-file .env --format shell)\"";

const INSPECT_HELP: &str = "\
Says what is in a token, in words, and what is odd about it. Nobody's signature is checked: that takes a key, and
`gateway token verify`.

Examples:
  gateway token inspect < token.txt
  pbpaste | gateway token inspect -              from the clipboard: a token on the command line stays in the history
  gateway token inspect --json eyJhbGciOi…

Exit status: 0 it is a token, 1 it is none, 2 it cannot be read.";

const VERIFY_HELP: &str = "\
HS256, HS384 and HS512 take a secret; RS, PS, ES and EdDSA take the public key or the certificate in PEM, or a JWKS file.

Examples:
  gateway token verify --env-file .env < token.txt
  echo $SERVICE_ROLE_KEY | gateway token verify -            the secret is in JWT_SECRET
  gateway token verify --jwks jwks.json --iss https://auth.example.com --aud api - < token.txt

Exit status: 0 it is good, 1 it is not (the message says why), 2 the key or the token cannot be read.";

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Token {
    /// Make a token.
    Mint(Mint),
    /// Make the pair of keys that a Supabase `.env` wants: ANON_KEY and SERVICE_ROLE_KEY.
    Keys(Keys),
    /// Say what is in a token, and what is odd about it.
    Inspect(Inspect),
    /// Say whether a token is good: signed by a key, and valid now.
    Verify(Verify),
}

#[derive(Debug, Args)]
#[command(after_help = MINT_HELP)]
pub(in crate::cli) struct Mint {
    /// The database role of who shows it: anon, service_role, authenticated or one of your own.
    #[arg(long, value_name = "ROLE")]
    pub(super) role: String,
    /// The user it is about.
    #[arg(long, value_name = "ID")]
    pub(super) sub: Option<String>,
    /// Who issued it; empty for nobody.
    #[arg(long, default_value = mint::ISSUER)]
    pub(super) iss: String,
    /// Whom it is for.
    #[arg(long)]
    pub(super) aud: Option<String>,
    /// When it ends: 10y, 30d, 12h, 15m from now, a date such as 2030-01-31, or none. Without it: 10y for anon and
    /// service_role, 1h for others.
    #[arg(long, value_name = "WHEN")]
    pub(super) exp: Option<String>,
    /// Another claim: text, or JSON such as true, 3 or {"a":1}; can be given more than once.
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = mint::claim)]
    pub(super) claims: Vec<(String, serde_json::Value)>,
    /// The name of the key, for its header.
    #[arg(long, value_name = "ID")]
    pub(super) kid: Option<String>,
    /// How to sign. Without it: HS256 with a secret; with a private key RS256, ES256, ES384 or EdDSA, as it is.
    #[arg(long, value_name = "ALGORITHM", value_parser = key::algorithm)]
    pub(super) alg: Option<Algorithm>,
    /// Sign with this private key (PEM).
    #[arg(long, value_name = "FILE", group = "key-source")]
    pub(super) key: Option<PathBuf>,
    #[command(flatten)]
    pub(super) secret: Secret,
}

#[derive(Debug, Args)]
#[command(after_help = KEYS_HELP)]
pub(in crate::cli) struct Keys {
    /// Make a new secret as well.
    #[arg(long, group = "key-source")]
    pub(super) new: bool,
    /// When they end; see `gateway token mint --help`.
    #[arg(long, value_name = "WHEN", default_value = "10y")]
    pub(super) exp: String,
    /// How to write them.
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
    #[command(flatten)]
    pub(super) secret: Secret,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// NAME=VALUE lines.
    #[default]
    Env,
    /// A JSON object.
    Json,
    /// `export` lines.
    Shell,
}

#[derive(Debug, Args)]
#[command(after_help = INSPECT_HELP)]
pub(in crate::cli) struct Inspect {
    #[command(flatten)]
    pub(super) token: Given,
    /// Write header, claims and remarks as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = VERIFY_HELP)]
pub(in crate::cli) struct Verify {
    #[command(flatten)]
    pub(super) token: Given,
    /// The public key, or the certificate of it (PEM).
    #[arg(long, value_name = "FILE", group = "key-source")]
    pub(super) key: Option<PathBuf>,
    /// A set of keys (JSON, RFC 7517).
    #[arg(long, value_name = "FILE", group = "key-source")]
    pub(super) jwks: Option<PathBuf>,
    #[command(flatten)]
    pub(super) secret: Secret,
    /// Who must have issued it.
    #[arg(long)]
    pub(super) iss: Option<String>,
    /// Whom it must be for.
    #[arg(long)]
    pub(super) aud: Option<String>,
    /// Seconds that clocks may differ; PostgREST allows 30.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub(super) leeway: u32,
}

/// Where a token is.
#[derive(Debug, Args)]
pub(super) struct Given {
    /// The token; `-`, or nothing, reads it from standard input.
    #[arg(value_name = "TOKEN")]
    pub(super) token: Option<String>,
    /// A file with the token.
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    pub(super) file: Option<PathBuf>,
}

/// Where a secret is. Never on the command line.
#[derive(Debug, Args)]
pub(super) struct Secret {
    /// A file with the secret. Without any of these: the variable JWT_SECRET.
    #[arg(long, value_name = "FILE", group = "key-source")]
    pub(super) secret_file: Option<PathBuf>,
    /// A file of NAME=VALUE lines, of which one is the secret.
    #[arg(long, value_name = "FILE", group = "key-source")]
    pub(super) env_file: Option<PathBuf>,
    /// The name of the secret, in the environment or in --env-file.
    #[arg(long, value_name = "NAME", default_value = "JWT_SECRET")]
    pub(super) secret_name: String,
    /// The secret is written in base64.
    #[arg(long)]
    pub(super) base64: bool,
    /// Refused; see [`Secret::refuse`].
    #[arg(long = "secret", hide = true, num_args = 0..=1, allow_hyphen_values = true)]
    never: Option<Option<String>>,
}

// === impl Token ===

impl Token {
    /// Where its secret is, if it needs one.
    pub(super) const fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Mint(args) => Some(&args.secret),
            Self::Keys(args) => Some(&args.secret),
            Self::Verify(args) => Some(&args.secret),
            Self::Inspect(_) => None,
        }
    }
}

// === impl Secret ===

impl Secret {
    /// A secret on the command line is known to the shell's history, and to everyone on the machine. It is refused here and
    /// not by clap, which would repeat it.
    ///
    /// # Errors
    /// If there is one.
    pub(super) fn refuse(&self) -> Result<(), String> {
        let refused = "a secret on the command line stays in the shell's history, and everyone on this machine can read it: \
                       use --secret-file, --env-file or the variable JWT_SECRET, and change a secret that was typed here";
        if self.never.is_some() { Err(refused.to_owned()) } else { Ok(()) }
    }
}

//! `kong health`, `kong-health`, `kong-wait`: whether the gateway answers. Its listeners are asked, and no file is believed
//! to mean that it lives; so it works in a container where nothing can be written.

use super::args::{At, Wait};
use super::prefix::Prefix;
use super::voice::Voice;
use super::{Done, ask, setup};
use crate::cli::edge;
use crate::settings::Settings;
use std::time::{Duration, Instant};

/// Time between two questions of `kong-wait`.
const PAUSE: Duration = Duration::from_millis(100);

/// What is known of a gateway.
struct Found {
    prefix: Prefix,
    /// Whether a gateway was ever started there.
    prepared: bool,
    answers: bool,
}

/// `kong health`.
pub(super) fn kong(at: &At, voice: Voice) -> Done {
    let found = find(at)?;
    if found.answers || found.prepared {
        voice.say(if found.answers { "nginx.......running" } else { "nginx.......not running" });
        voice.say("");
    }
    found.must_answer()?;
    voice.say(&format!("Kong is healthy at {}", found.prefix));
    Ok(())
}

/// `kong-health`, which has fewer words (`kong/operations.md` §6).
pub(super) fn bare(at: &At) -> Done {
    let found = find(at)?;
    found.must_answer()?;
    at.voice().say(&format!("\nKong is healthy at \t{}", found.prefix));
    Ok(())
}

/// `kong-wait`: asks until it is answered.
pub(super) fn wait(args: &Wait) -> Done {
    let end = Instant::now() + Duration::from_secs(args.timeout.into());
    loop {
        let asked = find(&args.at).and_then(|found| found.must_answer());
        match asked {
            Ok(()) => return Ok(()),
            Err(why) if Instant::now() >= end => return Err(format!("{why}, after {} seconds", args.timeout)),
            Err(_) => std::thread::sleep(PAUSE),
        }
    }
}

fn find(at: &At) -> Result<Found, String> {
    let prefix = Prefix::of(at)?;
    let recorded = prefix.recorded().ok();
    let prepared = recorded.is_some();
    let answers = match recorded {
        Some(pairs) => ask::answers(&edge::listeners(pairs).map_err(|messages| messages.join("\n"))?),
        None if is_elsewhere(at, &prefix) => false,
        None => ask::answers(&here(at)?),
    };
    Ok(Found { prefix, prepared, answers })
}

fn here(at: &At) -> Result<Settings, String> {
    Ok(setup::of(at)?.base.settings)
}

/// Whether a prefix is named that nobody serves with: whoever answers at the listeners of the settings is another gateway
/// then. Where nothing can be written, nobody can tell.
fn is_elsewhere(at: &At, prefix: &Prefix) -> bool {
    at.prefix.is_some() && (!prefix.exists() || (prefix.is_writable() && prefix.running().is_none()))
}

// === impl Found ===

impl Found {
    fn must_answer(&self) -> Done {
        let prefix = &self.prefix;
        match self.answers {
            true => Ok(()),
            false if !prefix.exists() => Err(format!("no such prefix: {prefix}")),
            false => Err(format!("Kong is not running at {prefix}")),
        }
    }
}

//! `kong migrations`: without a database there are none, and Kong says so with success.

use super::Done;
use super::args::Migrations;
use super::prefix::Prefix;
use super::voice::Voice;

/// Kong makes the prefix on the way; where that cannot be, it is not missed here.
pub(super) fn main(migrations: &Migrations, voice: Voice) -> Done {
    let prefix = Prefix::of(&migrations.of().at)?;
    if let Err(why) = prefix.prepare(voice) {
        voice.verbose(&why);
    }
    voice.say(match migrations {
        Migrations::Bootstrap(_) => "Database already bootstrapped",
        Migrations::Up(_) => "Database is already up-to-date",
        Migrations::Finish(_) => "No pending migrations to finish",
        Migrations::List(_) => "There are no migrations: there is no database",
        Migrations::Reset(_) => "There is nothing to reset: there is no database",
    });
    Ok(())
}

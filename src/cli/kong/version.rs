//! `kong version`: the Kong whose behaviour this is, since scripts decide by it. `gateway version` says which gateway it is.

use super::Done;
use super::voice::Voice;

/// The release that files of formats 1.1 and 2.1 are served as.
const KONG: &str = "2.8.1";

/// One line, or as many as Kong has with `-a`.
pub(super) fn main(all: bool, voice: Voice) -> Done {
    if all {
        voice.say(&format!("Kong: {KONG}\nngx_lua: 10020\nnginx: 1019009\nLua: LuaJIT 2.1.0-beta3"));
    } else {
        voice.say(KONG);
    }
    voice.debug(concat!("gateway ", env!("CARGO_PKG_VERSION")));
    Ok(())
}

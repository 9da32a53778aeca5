//! What crawlers, monitors and HTTP libraries call themselves.
//!
//! The list is our own. It agrees with what was recorded of Kong's, which has more names.

use crate::pcre::Pcre;
use std::sync::LazyLock;

/// Kinds of programs, at the end of a name that a version follows: `Googlebot/2.1`, `Slackbot-LinkExpanding 1.0`.
const KINDS: &str =
    "(?:[Bb]ot|[Ss]pider|[Cc]rawl(?:er)?|[Aa]rchiver|[Ii]ndexer|[Ss]craper)(?:-[A-Za-z]+)*[/ ]v?[0-9]";

/// Crawlers and monitors whose names say nothing of that kind, or that leave the version out.
const NAMES: &[&str] = &[
    "AdsBot-Google",
    "BingPreview",
    "facebookexternalhit",
    "Feedfetcher-Google",
    "heritrix",
    "ia_archiver",
    "Mediapartners-Google",
    "NewRelicPinger",
    "Pingdom\\.com",
    "Yahoo! Slurp",
];

/// Libraries; a version follows.
const LIBRARIES: &[&str] =
    &["Apache-HttpClient", "axios", "Go-http-client", "okhttp", "Python-urllib", "reqwest", "scalaj-http"];

static KNOWN: LazyLock<Option<Pcre>> = LazyLock::new(|| {
    let pattern = format!("{KINDS}|{}|(?:{})/[0-9]", NAMES.join("|"), LIBRARIES.join("|"));
    Pcre::new(&pattern).ok()
});

/// Whether a user agent is a program that nobody sits at.
pub(super) fn is_bot(agent: &[u8]) -> bool {
    KNOWN.as_ref().is_some_and(|known| known.is_match(agent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pattern_is_one_that_takes_linear_time() {
        assert!(KNOWN.as_ref().is_some_and(Pcre::is_linear));
    }

    #[test]
    fn bots_are_known_by_kind_or_name() {
        for agent in [
            "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
            "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
            "Googlebot-Image/1.0",
            "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
            "AdsBot-Google (+http://www.google.com/adsbot.html)",
            "Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)",
            "Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)",
            "my-crawler/1.0",
            "some_indexer v2",
            "axios/1.6.0",
            "reqwest/0.12",
        ] {
            assert!(is_bot(agent.as_bytes()), "{agent}");
        }
    }

    #[test]
    fn people_and_their_tools_are_none() {
        for agent in [
            "",
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Mozilla/5.0 (Linux; Android 9; CUBOT_X18_Plus Build/PPR1.180610.011) AppleWebKit/537.36",
            "Mozilla/5.0 (Linux; Android 7.0; CUBOT 5S) AppleWebKit/537.36",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/100.0 Safari/537.36",
            "curl/8.5.0",
            "kube-probe/1.27",
            "python-requests/2.31",
            "about robots",
            "reqwest",
        ] {
            assert!(!is_bot(agent.as_bytes()), "{agent}");
        }
    }
}

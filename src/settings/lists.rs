//! Values with a small grammar of their own: what `headers`, `trusted_ips`, `port_maps`, `plugins` and the like hold.

use super::cloudflare;
use super::reading::Fault;
use super::units::{list, number};
use super::{ClientVerify, ErrorType, LuaMode, Plugins, RouterFlavor, Tokens};
use ipnet::IpNet;
use std::collections::HashMap;
use std::net::IpAddr;
use tracing::Level;

/// `headers` (`kong/proxying.md` §3, end): which of Kong's own headers are sent.
pub(super) fn headers(text: &str) -> Result<Tokens, Fault> {
    let mut tokens = Tokens::none();
    for entry in list(text) {
        match entry.to_ascii_lowercase().as_str() {
            "off" => return Ok(Tokens::none()),
            name => {
                token(&mut tokens, name).ok_or_else(|| Fault::Message(format!("headers: invalid entry '{entry}'")))?
            }
        }
    }
    Ok(tokens)
}

fn token(tokens: &mut Tokens, name: &str) -> Option<()> {
    match name {
        "server_tokens" => (tokens.server, tokens.via) = (true, true),
        "latency_tokens" => {
            (tokens.proxy_latency, tokens.upstream_latency) = (true, true);
            (tokens.response_latency, tokens.admin_latency) = (true, true);
        }
        "server" => tokens.server = true,
        "via" => tokens.via = true,
        "x-kong-proxy-latency" => tokens.proxy_latency = true,
        "x-kong-upstream-latency" => tokens.upstream_latency = true,
        "x-kong-response-latency" => tokens.response_latency = true,
        "x-kong-admin-latency" => tokens.admin_latency = true,
        "x-kong-upstream-status" => tokens.upstream_status = true,
        "x-kong-request-id" => tokens.request_id = true,
        _ => return None,
    }
    Some(())
}

/// `trusted_ips`: addresses, networks, and `cloudflare` for Cloudflare's. `unix:` is accepted, and means nothing where no
/// listener is a Unix socket.
pub(super) fn trusted_ips(text: &str) -> Result<Vec<IpNet>, Fault> {
    let network = |entry: &str| entry.parse().ok().or_else(|| Some(IpNet::from(entry.parse::<IpAddr>().ok()?)));
    let refused = |entry: &str| {
        Fault::Message(format!(
            "trusted_ips must be a comma separated list in the form of IPv4 or IPv6 address or CIDR block or 'unix:', \
             got '{entry}'"
        ))
    };
    let mut networks = Vec::new();
    for entry in list(text).filter(|&entry| entry != "unix:") {
        match entry {
            "cloudflare" => networks.extend(cloudflare::networks()),
            _ => networks.push(network(entry).ok_or_else(|| refused(entry))?),
        }
    }
    Ok(networks)
}

/// `port_maps`: pairs `PUBLIC:LISTENING`; the answer maps the listening port to the public one.
pub(super) fn port_maps(text: &str) -> Result<HashMap<u16, u16>, Fault> {
    let pair = |entry: &str| {
        let (public, listening) = entry.split_once(':')?;
        Some((number(listening.trim())?, number(public.trim())?))
    };
    let refused = |entry: &str| Fault::Message(format!("invalid port mapping (`port_maps`): {entry}"));
    list(text).map(|entry| pair(entry).ok_or_else(|| refused(entry))).collect()
}

/// `plugins`: `bundled`, `off`, names.
pub(super) fn plugins(text: &str) -> Plugins {
    let mut names: Vec<String> = list(text).map(str::to_owned).collect();
    if names.first().is_some_and(|first| first == "off") {
        return Plugins::Only(Vec::new());
    }
    let all = names.len();
    names.retain(|name| name != "bundled");
    if names.len() < all { Plugins::Bundled(names) } else { Plugins::Only(names) }
}

/// Names, by commas.
pub(super) fn names(text: &str) -> Vec<String> {
    list(text).map(str::to_owned).collect()
}

/// `router_flavor`.
pub(super) fn router_flavor(text: &str) -> Result<RouterFlavor, Fault> {
    Ok(match text {
        "traditional" => RouterFlavor::Traditional,
        "traditional_compatible" => RouterFlavor::TraditionalCompatible,
        "expressions" => RouterFlavor::Expressions,
        _ => return Err(Fault::OneOf(&["traditional", "traditional_compatible", "expressions"])),
    })
}

/// `untrusted_lua`.
pub(super) fn lua_mode(text: &str) -> Result<LuaMode, Fault> {
    Ok(match text {
        "on" => LuaMode::On,
        "sandbox" => LuaMode::Sandbox,
        "off" => LuaMode::Off,
        _ => return Err(Fault::OneOf(&["on", "off", "sandbox"])),
    })
}

/// `error_default_type`.
pub(super) fn error_type(text: &str) -> Result<ErrorType, Fault> {
    Ok(match text {
        "application/json" => ErrorType::Json,
        "application/xml" => ErrorType::Xml,
        "text/html" => ErrorType::Html,
        "text/plain" => ErrorType::Plain,
        _ => return Err(Fault::OneOf(&["application/json", "application/xml", "text/html", "text/plain"])),
    })
}

/// `ssl_verify_client`, as in nginx without `optional_no_ca`.
pub(super) fn client_verify(text: &str) -> Result<Option<ClientVerify>, Fault> {
    Ok(match text {
        "on" => Some(ClientVerify::Required),
        "optional" => Some(ClientVerify::Optional),
        "off" => None,
        _ => return Err(Fault::OneOf(&["on", "optional", "off"])),
    })
}

/// `log_level`: nginx's levels, on the five that there are here.
pub(super) fn log_level(text: &str) -> Result<Level, Fault> {
    Ok(match text {
        "debug" => Level::DEBUG,
        "info" | "notice" => Level::INFO,
        "warn" => Level::WARN,
        "error" | "crit" | "alert" | "emerg" => Level::ERROR,
        _ => return Err(Fault::OneOf(&["debug", "info", "notice", "warn", "error", "crit", "alert", "emerg"])),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn header_tokens() {
        let all = Tokens { request_id: false, ..Tokens::default() };
        assert_eq!(headers("server_tokens, latency_tokens").unwrap(), all);
        assert_eq!(headers("off, Via").unwrap(), Tokens::none());
        let some = Tokens { via: true, upstream_status: true, ..Tokens::none() };
        assert_eq!(headers("VIA,X-Kong-Upstream-Status").unwrap(), some);
        let refused = headers("server_tokens, bogus").unwrap_err();
        assert_eq!(refused.message("headers", ""), "headers: invalid entry 'bogus'");
    }

    #[test]
    fn networks() {
        let all = trusted_ips("127.0.0.1, 10.0.0.0/8,unix:, ::1, 0.0.0.0/0").unwrap();
        let text: Vec<_> = all.iter().map(ToString::to_string).collect();
        assert_eq!(text, ["127.0.0.1/32", "10.0.0.0/8", "::1/128", "0.0.0.0/0"]);
        let preset = trusted_ips("10.0.0.0/8, cloudflare").unwrap();
        assert_eq!((preset.len(), preset[1]), (23, "173.245.48.0/20".parse().unwrap()));
        for bad in ["10.0.0.0/33", "Cloudflare", "localhost", "1.2.3"] {
            let message = trusted_ips(bad).unwrap_err().message("trusted_ips", bad);
            assert!(message.ends_with(&format!("or 'unix:', got '{bad}'")), "{message}");
        }
    }

    #[test]
    fn ports() {
        assert_eq!(port_maps("80:8000, 443:8443").unwrap(), HashMap::from([(8000, 80), (8443, 443)]));
        for bad in ["80", "80:", ":80", "80:x", "80:70000"] {
            let message = port_maps(bad).unwrap_err().message("port_maps", bad);
            assert_eq!(message, format!("invalid port mapping (`port_maps`): {bad}"));
        }
    }

    #[test]
    fn plugin_names() {
        let names = |all: &[&str]| all.iter().map(|&n| n.to_owned()).collect();
        assert_eq!(plugins("bundled"), Plugins::Bundled(Vec::new()));
        assert_eq!(plugins("mine, bundled"), Plugins::Bundled(names(&["mine"])));
        assert_eq!(plugins("cors,acl"), Plugins::Only(names(&["cors", "acl"])));
        assert_eq!(plugins("off"), Plugins::Only(Vec::new()));
    }
}

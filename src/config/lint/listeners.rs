//! What the listeners say about where the gateway stands.

use crate::settings::{ClientVerify, Listen, Settings};

/// Whether nobody said where to listen, so that nothing can be told from it.
pub(super) fn unknown(settings: &Settings) -> bool {
    settings.proxy_listen == Settings::default().proxy_listen
}

/// The first listener that other machines can reach, and that does not ask them for a certificate.
pub(super) fn open(settings: &Settings) -> Option<&Listen> {
    let asks = |listen: &Listen| listen.client_ca.is_some() && listen.client_verify == ClientVerify::Required;
    let is_local = |listen: &Listen| listen.address.ip().to_canonical().is_loopback();
    settings.proxy_listen.iter().find(|listen| !is_local(listen) && !asks(listen))
}

/// Whether clients reach a listener by this port.
pub(super) fn on(settings: &Settings, port: u16) -> bool {
    let seen = |listen: &Listen| *settings.port_maps.get(&listen.address.port()).unwrap_or(&listen.address.port());
    settings.proxy_listen.iter().any(|listen| seen(listen) == port)
}

/// Whether browsers come to it without anything in between.
pub(super) fn at_the_edge(settings: &Settings) -> bool {
    open(settings).is_some() && (on(settings, 80) || on(settings, 443))
}

/// Whether a listener speaks TLS.
pub(super) fn speaks_tls(settings: &Settings) -> bool {
    settings.proxy_listen.iter().any(|listen| listen.ssl)
}

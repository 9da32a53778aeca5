//! The gateway as its neighbours on the wire see it: a client and an upstream that send and read raw bytes.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../common/mod.rs"]
mod common;

mod admin;
mod client_certificates;
mod connections;
mod dashboard;
mod demo;
mod downgrade;
mod early;
mod filled;
mod floods;
mod format3;
mod functions;
mod handshakes;
mod hang_ups;
mod health;
mod htpasswd;
mod http2;
mod http2_answers;
mod http2_cases;
mod http2_ends;
mod http2_flow;
mod http2_frames;
mod http2_fuzz;
mod http2_heads;
mod http2_preface;
mod http2_states;
mod identity;
mod kong;
mod limits;
mod listeners;
mod log_plugins;
mod logs;
mod messages;
mod names;
mod online;
mod passing;
mod plugins;
mod process;
mod proxy_protocol;
mod reload;
mod renewal;
mod seed;
mod smuggling;
mod status;
mod streaming;
mod systemd;
mod tls_refusals;
#[cfg(feature = "otlp")]
mod traces;
mod transforming;
mod tunnels;
mod upgrade;

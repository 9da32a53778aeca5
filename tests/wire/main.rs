//! The gateway as its neighbours on the wire see it: a client and an upstream that send and read raw bytes.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../common/mod.rs"]
mod common;

mod connections;
mod demo;
mod downgrade;
mod early;
mod floods;
mod format3;
mod hang_ups;
mod http2;
mod limits;
mod messages;
mod names;
mod process;
mod seed;
mod smuggling;
mod streaming;
mod tunnels;

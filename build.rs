//! What the linker is told of a program for distribution: which functions are to lie side by side, so that an idle one keeps
//! less of its file in memory (benches/compare/order.py).

use std::path::Path;

fn main() {
    println!("cargo:rerun-if-changed=packaging/order.ld");
    // Where rustc links by lld, with which the file was tried.
    let place = ["OS", "ARCH"].map(|what| variable(&format!("CARGO_CFG_TARGET_{what}")));
    if place == ["linux", "x86_64"] && profile() == "dist" {
        println!("cargo:rustc-link-arg-bin=gateway=-Wl,-T,{}/packaging/order.ld", variable("CARGO_MANIFEST_DIR"));
    }
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

/// The profile's own name, which only a path says: `target/…/dist/build/gateway-…/out`.
fn profile() -> String {
    let out = variable("OUT_DIR");
    let folder = Path::new(&out).ancestors().nth(3).and_then(Path::file_name);
    folder.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

//! What the linker is told of a program for distribution, so that an idle one keeps less of its file in memory.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=packaging/order.ld");
    if variable("CARGO_CFG_TARGET_OS") != "linux" || profile() != "dist" {
        return;
    }
    // Functions that are run lie side by side: benches/compare/order.py.
    tell(&format!("-Wl,-T,{}/packaging/order.ld", variable("CARGO_MANIFEST_DIR")));
    if variable("TARGET") == variable("HOST") && loader_takes_packed() {
        // 28,000 places that the loader fills in at every start take 20 KB, and not 660.
        tell("-Wl,-z,pack-relative-relocs");
    }
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

/// The profile's own name, which only the path says: `target/…/dist/build/gateway-…/out`.
fn profile() -> String {
    let out = variable("OUT_DIR");
    let folder = Path::new(&out).ancestors().nth(3).and_then(Path::file_name);
    folder.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn tell(flag: &str) {
    println!("cargo:rustc-link-arg-bin=gateway={flag}");
}

/// Whether this system's C library knows them (glibc 2.36 and later): it says so, since others refuse such a program.
fn loader_takes_packed() -> bool {
    let Ok(asked) = Command::new("cc").arg("-print-file-name=libc.so.6").output() else { return false };
    let path = String::from_utf8_lossy(&asked.stdout).trim().to_owned();
    let mark = b"GLIBC_ABI_DT_RELR";
    std::fs::read(path).is_ok_and(|library| library.windows(mark.len()).any(|window| window == mark))
}

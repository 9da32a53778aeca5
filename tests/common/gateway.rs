//! A gateway process: started with a configuration, ready when it answers, killed when dropped.

use super::{LIMIT, Peer, Upstream, within};
use std::fs::{File, Permissions};
use std::io;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// A running gateway.
pub(crate) struct Gateway {
    child: Child,
    port: u16,
    folder: TempDir,
}

/// A gateway to be started.
pub(crate) struct Builder {
    /// `None`: `gateway demo`, which brings its own.
    config: Option<String>,
    settings: Vec<(String, String)>,
    listen_flags: String,
    wrapper: Vec<String>,
    port: Option<u16>,
    stdin: Stdio,
}

// === impl Builder ===

impl Builder {
    /// Sets an environment variable, such as `KONG_HEADERS`.
    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Flags of the listener, such as `http2`.
    pub(crate) fn listen(mut self, flags: &str) -> Self {
        flags.clone_into(&mut self.listen_flags);
        self
    }

    /// Starts the gateway through another program, which gets its command line at the end of its own.
    pub(crate) fn through(mut self, wrapper: &[&str]) -> Self {
        self.wrapper = wrapper.iter().map(|&w| w.to_owned()).collect();
        self
    }

    /// The port of its listener, instead of any that is free.
    pub(crate) fn at(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// What it gets as standard input, such as a socket for a wrapper to pass on.
    pub(crate) fn stdin(mut self, stdin: impl Into<Stdio>) -> Self {
        self.stdin = stdin.into();
        self
    }

    /// Starts it, and waits until it answers.
    pub(crate) fn start(self) -> Gateway {
        let mut gateway = self.spawn();
        gateway.wait_until_ready();
        gateway
    }

    /// Starts it, and gives what it wrote until it ended. It must end soon.
    pub(crate) fn fails(self) -> String {
        let mut gateway = self.spawn();
        let status = gateway.ends_within(LIMIT).expect("the gateway did not end");
        assert_eq!(status.code(), Some(1), "{}", gateway.output());
        gateway.output()
    }

    fn spawn(mut self) -> Gateway {
        let folder = tempfile::tempdir().unwrap();
        // Another user may have to read the file.
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let port = self.port.unwrap_or_else(free_port);
        let child = self.command(port, folder.path()).spawn().unwrap();
        Gateway { child, port, folder }
    }

    fn command(&mut self, port: u16, folder: &Path) -> Command {
        let mut words = self.wrapper.clone();
        words.push(binary());
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        match &self.config {
            None => command.arg("demo"),
            Some(text) => {
                let file = folder.join("gateway.yml");
                std::fs::write(&file, text).unwrap();
                command.arg("run").arg("--config").arg(file)
            }
        };
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("KONG_")) {
            command.env_remove(name);
        }
        command
            .env("KONG_DATABASE", "off")
            .env("KONG_ADMIN_LISTEN", "off")
            // A folder of its own: only one process has the pid file of the usual one, where that is there.
            .env("KONG_PREFIX", folder)
            .env("KONG_PROXY_LISTEN", format!("127.0.0.1:{port} {}", self.listen_flags).trim())
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .stdin(std::mem::replace(&mut self.stdin, Stdio::null()))
            .stdout(File::create(folder.join("stdout")).unwrap())
            .stderr(File::create(folder.join("stderr")).unwrap());
        command
    }
}

// === impl Gateway ===

impl Gateway {
    /// A gateway that serves this configuration file.
    pub(crate) fn with(config: impl Into<String>) -> Builder {
        Builder { config: Some(config.into()), ..Self::demo() }
    }

    /// `gateway demo`: the repository's own file, with stand-ins for all upstreams.
    pub(crate) fn demo() -> Builder {
        Builder {
            config: None,
            settings: Vec::new(),
            listen_flags: String::new(),
            wrapper: Vec::new(),
            port: None,
            stdin: Stdio::null(),
        }
    }

    /// A gateway that sends every path to one upstream, unchanged.
    pub(crate) fn to(upstream: &Upstream) -> Builder {
        Self::with(format!(
            "_format_version: \"2.1\"\nservices:\n- name: all\n  url: http://127.0.0.1:{}\n  retries: 0\n  \
             routes:\n  - name: all\n    paths: [/]\n    strip_path: false\n",
            upstream.port()
        ))
    }

    /// Its configuration file.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("gateway.yml")
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// A new connection to it.
    pub(crate) fn connect(&self) -> Peer {
        Peer::connect(self.port).expect("the gateway does not accept a connection")
    }

    /// Sends a request on a new connection: status, and body.
    pub(crate) fn get(&self, target: &str) -> (u16, String) {
        let mut client = self.connect();
        client.send(format!("GET {target} HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n\r\n")).unwrap();
        let head = client.head().unwrap();
        let body = client.body(&head).unwrap();
        (head.status(), String::from_utf8_lossy(&body).into_owned())
    }

    /// Everything that it wrote to standard output and standard error so far.
    pub(crate) fn output(&self) -> String {
        ["stdout", "stderr"]
            .map(|name| String::from_utf8_lossy(&std::fs::read(self.folder.path().join(name)).unwrap()).into_owned())
            .concat()
    }

    /// Resident memory in KiB: what it is now, and its peak.
    pub(crate) fn memory(&self) -> (u64, u64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let field = |name: &str| {
            let line = status.lines().find(|l| l.starts_with(name)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        (field("VmRSS:"), field("VmHWM:"))
    }

    /// Its number.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, by its name without `SIG`.
    pub(crate) fn signal(&self, name: &str) {
        let done = Command::new("sh").arg("-c").arg(format!("kill -{name} {}", self.child.id())).status().unwrap();
        assert!(done.success());
    }

    /// How it ended, if it did within `limit`.
    pub(crate) fn ends_within(&mut self, limit: Duration) -> Option<ExitStatus> {
        within(limit, || self.child.try_wait().unwrap().is_some());
        self.child.try_wait().unwrap()
    }

    fn wait_until_ready(&mut self) {
        let ready = within(LIMIT, || {
            assert!(self.child.try_wait().unwrap().is_none(), "the gateway ended at once:\n{}", self.output());
            self.accepts()
        });
        assert!(ready, "the gateway does not listen:\n{}", self.output());
    }

    /// Whether it takes a connection. Nothing is sent, so that no upstream sees a request that the test did not make.
    fn accepts(&self) -> bool {
        Peer::connect(self.port).is_ok()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let output = self.output();
            let start = output.char_indices().rev().nth(4000).map_or(0, |(at, _)| at);
            eprintln!("--- output of the gateway (its end) ---\n{}", &output[start..]);
        }
    }
}

/// The program under test: this package's, or the one that `TESTED_BINARY` names (such as one of another profile).
pub(crate) fn binary() -> String {
    std::env::var("TESTED_BINARY").unwrap_or_else(|_| env!("CARGO_BIN_EXE_gateway").to_owned())
}

/// A port that is free now. It lies below the range from which the kernel serves port 0 and outgoing connections, so
/// that nobody takes it before the gateway does.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 10_000).unwrap();
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    (0..1000)
        .map(|_| 20_000 + (start + NEXT.fetch_add(1, Ordering::SeqCst) * 7) % 10_000)
        .find(free)
        .ok_or_else(|| io::Error::from(io::ErrorKind::AddrInUse))
        .unwrap()
}

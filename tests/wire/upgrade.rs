//! Another process in the place of a running one: by SIGUSR2, and by `gateway upgrade`. No connection is refused.

use crate::common::frames::{END_STREAM, Frames, Outcome, head};
use crate::common::gateway::{Builder, binary, free_port};
use crate::common::{Gateway, LIMIT, Peer, Upstream, within};
use crate::systemd::PASS;
use crate::tunnels::shouting;
use std::fs;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A gateway with a prefix, and all processes that took its place; they end with it.
struct Line {
    gateway: Gateway,
    prefix: TempDir,
}

// === impl Line ===

impl Line {
    fn start(builder: Builder) -> Self {
        let prefix = tempfile::tempdir().unwrap();
        let gateway = builder.set("KONG_PREFIX", prefix.path().to_str().unwrap()).start();
        let line = Self { gateway, prefix };
        assert!(within(LIMIT, || line.serving() == Some(line.gateway.pid())), "no pid file");
        line
    }

    /// Who serves, by the file that says so.
    fn serving(&self) -> Option<u32> {
        fs::read_to_string(self.prefix.path().join("pids/nginx.pid")).ok()?.trim().parse().ok()
    }

    fn ask(&self) -> Output {
        Command::new(binary()).arg("upgrade").arg("-p").arg(self.prefix.path()).output().unwrap()
    }

    /// Upgrades; the new process.
    fn upgrade(&self) -> u32 {
        let (old, asked) = (self.serving(), self.ask());
        assert!(asked.status.success(), "{asked:?}\n{}", self.gateway.output());
        let new = self.serving().unwrap();
        assert!(Some(new) != old && alive(new));
        new
    }

    /// Asks for an upgrade that does not succeed; the old process serves on.
    fn stays(&self, because: &str) {
        let (old, asked) = (self.serving(), self.ask());
        assert_eq!(asked.status.code(), Some(1), "{asked:?}");
        assert!(String::from_utf8_lossy(&asked.stderr).contains("goes on serving; its log says why"), "{asked:?}");
        assert!(self.gateway.output().contains(because), "{because} is not in\n{}", self.gateway.output());
        assert_eq!((self.serving(), self.gateway.get("/").0), (old, 200));
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let output = self.gateway.output();
        let heirs = output.split("another process serves in the place of this one process=").skip(1);
        for heir in heirs.filter_map(|rest| rest.split_whitespace().next()) {
            let _ = Command::new("kill").arg("-KILL").arg(heir).output();
        }
    }
}

fn alive(pid: u32) -> bool {
    // A process that has ended and was not waited for has no program any more.
    fs::read_link(format!("/proc/{pid}/exe")).is_ok()
}

/// A file with an echo at every path, a WebSocket at `/socket`, and so many workers.
fn config(upstream: &Upstream, sockets: &Upstream, workers: usize) -> String {
    format!(
        "_format_version: \"3.0\"\n_gateway: {{nginx_worker_processes: {workers}}}\nservices:\n- name: all\n  \
         url: http://127.0.0.1:{}\n  routes:\n  - name: all\n    paths: [/]\n- name: sockets\n  \
         url: http://127.0.0.1:{}\n  routes:\n  - paths: [/socket]\n",
        upstream.port(),
        sockets.port()
    )
}

fn open_socket(gateway: &Gateway) -> Peer {
    let mut socket = gateway.connect();
    socket.send("GET /socket HTTP/1.1\r\nHost: gw.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n").unwrap();
    assert_eq!(socket.head().unwrap().status(), 101);
    assert_eq!(socket.until(b";").unwrap(), b"welcome");
    socket
}

fn shouts(socket: &mut Peer) -> bool {
    socket.send("hello;").is_ok() && socket.until(b";").is_ok_and(|heard| heard == b"HELLO")
}

/// What clients saw.
#[derive(Default)]
struct Seen {
    done: AtomicBool,
    /// New connections that were answered.
    fresh: AtomicUsize,
    /// Answers on connections that were kept.
    kept: AtomicUsize,
    /// Answers over HTTP/2.
    over_2: AtomicUsize,
    /// Connections over HTTP/2 that ended under a request, which may be sent again then.
    ended_2: AtomicUsize,
}

// === impl Seen ===

impl Seen {
    fn while_wanted(&self, mut step: impl FnMut()) {
        while !self.done.load(Ordering::SeqCst) {
            step();
        }
    }

    /// A connection for each request.
    fn connect_again_and_again(&self, port: u16) {
        self.while_wanted(|| {
            let mut client = Peer::connect(port).expect("refused");
            client.send("GET /x HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n\r\n").expect("reset");
            assert_eq!(client.head().expect("no answer").status(), 200);
            self.fresh.fetch_add(1, Ordering::SeqCst);
        });
    }

    /// A connection that is kept until an answer says that it ends.
    fn keep(&self, port: u16) {
        let mut client = Peer::connect(port).unwrap();
        self.while_wanted(|| {
            client.send("GET /x HTTP/1.1\r\nHost: gw.test\r\n\r\n").expect("closed without a word");
            let head = client.head().expect("closed without a word");
            assert_eq!(head.status(), 200);
            client.body(&head).unwrap();
            if head.get("connection") == Some("close") {
                client = Peer::connect(port).expect("refused");
            }
            self.kept.fetch_add(1, Ordering::SeqCst);
        });
    }

    fn ask_over_2(&self, gateway: &Gateway) {
        let (mut client, mut streams) = (Frames::open(gateway), (1..).step_by(2));
        self.while_wanted(|| {
            let stream = streams.next().unwrap();
            let fields = [(":method", "HEAD"), (":scheme", "http"), (":authority", "gw.test"), (":path", "/x")];
            let sent = client.send(head(stream, END_STREAM, &fields));
            match sent.map_or(Outcome::Closed, |()| client.outcome(stream)) {
                Outcome::Status(200) => _ = self.over_2.fetch_add(1, Ordering::SeqCst),
                Outcome::Closed => {
                    self.ended_2.fetch_add(1, Ordering::SeqCst);
                    (client, streams) = (Frames::open(gateway), (1..).step_by(2));
                }
                other => panic!("{other:?}"),
            }
        });
    }
}

/// More workers and fewer, so that sockets are shared and gathered.
#[test]
fn nobody_is_refused_while_processes_take_each_others_place() {
    let (upstream, sockets) = (Upstream::echo(), Upstream::start(shouting));
    let line = Line::start(Gateway::with(config(&upstream, &sockets, 2)).set("KONG_DRAIN_TIMEOUT", "60s"));
    let (gateway, port, seen) = (&line.gateway, line.gateway.port(), Seen::default());
    let mut socket = open_socket(gateway);
    std::thread::scope(|scope| {
        let fresh = [(); 4].map(|()| scope.spawn(|| seen.connect_again_and_again(port)));
        let kept = [(); 2].map(|()| scope.spawn(|| seen.keep(port)));
        let over_2 = scope.spawn(|| seen.ask_over_2(gateway));
        for workers in [2, 5, 1, 3, 3] {
            fs::write(gateway.file(), config(&upstream, &sockets, workers)).unwrap();
            line.upgrade();
            assert!(shouts(&mut socket), "the first process keeps its tunnel");
            std::thread::sleep(Duration::from_millis(300));
        }
        seen.done.store(true, Ordering::SeqCst);
        fresh.into_iter().chain(kept).chain([over_2]).for_each(|client| client.join().unwrap());
    });
    let count = |count: &AtomicUsize| count.load(Ordering::SeqCst);
    let counts = [&seen.fresh, &seen.kept, &seen.over_2].map(count);
    assert!(counts.iter().all(|count| *count > 100), "too little load: {counts:?}");
    assert!(count(&seen.ended_2) <= 5, "one connection over HTTP/2 for each upgrade: {}", count(&seen.ended_2));
    eprintln!("answered: {counts:?} on new connections, on kept ones, over HTTP/2");
}

#[test]
fn the_old_process_ends_with_its_tunnels_at_its_limit() {
    let (upstream, sockets) = (Upstream::echo(), Upstream::start(shouting));
    let mut line = Line::start(Gateway::with(config(&upstream, &sockets, 2)).set("KONG_DRAIN_TIMEOUT", "3s"));
    let (mut socket, start) = (open_socket(&line.gateway), Instant::now());
    let new = line.upgrade();
    assert_eq!(line.gateway.ends_within(Duration::from_secs(1)), None, "did not wait");
    assert!(shouts(&mut socket));
    assert_eq!(line.gateway.ends_within(LIMIT).expect("did not end").code(), Some(0));
    assert!(start.elapsed() >= Duration::from_secs(3) && !shouts(&mut socket));
    assert!(alive(new) && line.serving() == Some(new) && !line.prefix.path().join("pids/nginx.pid.oldbin").exists());
    assert_eq!(line.gateway.get("/x").0, 200);
    assert!(shouts(&mut open_socket(&line.gateway)));
}

#[test]
fn what_cannot_serve_changes_nothing() {
    let (upstream, folder) = (Upstream::echo(), tempfile::tempdir().unwrap());
    let program = folder.path().join("gateway");
    let install = |from: &Path| {
        fs::copy(from, folder.path().join("new")).unwrap();
        Command::new("chmod").arg("755").arg(folder.path().join("new")).status().unwrap();
        fs::rename(folder.path().join("new"), &program).unwrap();
    };
    install(Path::new(&binary()));
    // The program that the builder names is dropped: the copy runs in its place.
    let script = format!("shift; exec {} \"$@\"", program.display());
    let line = Line::start(Gateway::to(&upstream).through(&["sh", "-c", &script, "sh"]));
    let good = fs::read_to_string(line.gateway.file()).unwrap();

    fs::write(line.gateway.file(), good.replace("paths", "path")).unwrap();
    line.stays("the new process ended (exit status: 1)");
    assert!(line.gateway.output().contains("error[unknown-field]"), "{}", line.gateway.output());
    fs::write(line.gateway.file(), &good).unwrap();

    fs::write(folder.path().join("garbage"), "\u{7f}ELF is not all").unwrap();
    install(&folder.path().join("garbage"));
    line.stays("no upgrade: this process serves on why=\"cannot start");
    fs::remove_file(&program).unwrap();
    line.stays("No such file or directory");

    install(Path::new(&binary()));
    let new = line.upgrade();
    assert_eq!(fs::read_link(format!("/proc/{new}/exe")).unwrap(), program);
    assert_eq!(line.gateway.get("/x").0, 200);
}

#[test]
fn what_the_new_process_does_not_listen_on_is_closed() {
    let [port, gone, fresh, status] = [(); 4].map(|()| free_port());
    // The listeners are settings of the file here, so that they can change.
    let text = |port: u16, other: u16| {
        format!(
            "_format_version: \"3.0\"\n_gateway:\n  proxy_listen: 127.0.0.1:{port}, 127.0.0.1:{other}\n  \
             status_listen: 127.0.0.1:{status}\nroutes:\n- name: all\n  paths: [/]\n  plugins:\n  \
             - {{name: request-termination, config: {{status_code: 200}}}}\n"
        )
    };
    let script = "unset KONG_PROXY_LISTEN; exec \"$0\" \"$@\"";
    let mut line = Line::start(Gateway::with(text(port, gone)).at(port).through(&["sh", "-c", script]));
    let answers = |port: u16, path: &str| -> io::Result<u16> {
        let mut client = Peer::connect(port)?;
        client.send(format!("GET {path} HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n\r\n"))?;
        Ok(client.head()?.status())
    };
    assert_eq!((answers(gone, "/").unwrap(), answers(status, "/readyz").unwrap()), (200, 200));
    fs::write(line.gateway.file(), text(port, fresh)).unwrap();
    line.upgrade();
    for (port, path) in [(port, "/"), (fresh, "/"), (status, "/readyz"), (status, "/metrics")] {
        assert_eq!(answers(port, path).unwrap(), 200, "{port}{path}");
    }
    assert!(line.gateway.ends_within(LIMIT).is_some(), "the old process goes");
    assert!(TcpStream::connect(("127.0.0.1", gone)).is_err(), "nobody listens there any more");
    assert_eq!(answers(status, "/readyz").unwrap(), 200);
}

/// The supervisor's socket goes on from process to process, and the supervisor hears of the next one from the one it knows.
#[test]
fn a_supervisor_hears_who_serves_now() {
    let (upstream, folder) = (Upstream::echo(), tempfile::tempdir().unwrap());
    let path = folder.path().join("notify");
    let news = UnixDatagram::bind(&path).unwrap();
    news.set_read_timeout(Some(LIMIT)).unwrap();
    let heard = || {
        let mut buffer = [0; 256];
        let len = news.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..len]).into_owned()
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let builder = Gateway::to(&upstream).at(port).set("NOTIFY_SOCKET", path.to_str().unwrap());
    let mut line = Line::start(builder.through(&PASS).stdin(OwnedFd::from(listener)));
    assert_eq!(heard(), "READY=1\n");
    for _ in 0..2 {
        let new = line.upgrade();
        assert_eq!(heard(), format!("MAINPID={new}\n"));
    }
    assert!(line.gateway.ends_within(LIMIT).is_some());
    assert_eq!(line.gateway.get("/x").0, 200);
    let last = line.serving().unwrap();
    Command::new("kill").arg("-TERM").arg(last.to_string()).status().unwrap();
    assert_eq!(heard(), "STOPPING=1\n");
    assert!(within(LIMIT, || !alive(last)));
}

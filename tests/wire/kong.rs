//! The program under Kong's names: what a container, its health check and its scripts see.

use crate::admin::ask;
use crate::common::{LIMIT, Peer, Upstream, gateway, within};
use crate::process::patient;
use std::fs::File;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A folder with the programs, a prefix, and the environment of all commands.
struct Kong {
    folder: TempDir,
    port: u16,
    env: Vec<(String, String)>,
}

/// What a command printed, and its exit code.
struct Said {
    out: String,
    err: String,
    code: Option<i32>,
}

/// A gateway in the foreground; killed when dropped.
struct Container {
    child: Child,
    log: PathBuf,
}

/// A file that sends every path to an upstream.
fn to(upstream: &Upstream) -> String {
    format!(
        "_format_version: \"2.1\"\nservices:\n- name: all\n  url: http://127.0.0.1:{}\n  retries: 0\n  routes:\n  - \
         name: all\n    paths: [/]\n",
        upstream.port()
    )
}

// === impl Kong ===

impl Kong {
    /// With this file.
    fn with(config: &str) -> Self {
        let kong = Self::empty();
        std::fs::write(kong.path("kong.yml"), config).unwrap();
        let file = kong.path("kong.yml");
        kong.set("KONG_DECLARATIVE_CONFIG", &file.to_string_lossy())
    }

    /// Without a file.
    fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let binary = std::fs::canonicalize(gateway::binary()).unwrap();
        for name in ["kong", "kong-health", "kong-wait"] {
            symlink(&binary, folder.path().join(name)).unwrap();
        }
        std::fs::create_dir(folder.path().join("prefix")).unwrap();
        let (port, admin) = (gateway::free_port(), gateway::free_port());
        let prefix = folder.path().join("prefix").to_string_lossy().into_owned();
        Self { folder, port, env: Vec::new() }
            .set("KONG_PREFIX", &prefix)
            .set("KONG_PROXY_LISTEN", &format!("127.0.0.1:{port}"))
            .set("KONG_ADMIN_LISTEN", &format!("127.0.0.1:{admin}"))
    }

    fn set(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, line: &str) -> Command {
        let mut words = line.split(' ');
        let mut command = Command::new(self.path(words.next().unwrap()));
        command.args(words).current_dir(self.folder.path()).stdin(Stdio::null());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("KONG_")) {
            command.env_remove(name);
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    fn run(&self, line: &str) -> Said {
        let done = self.command(line).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Said { out: text(done.stdout), err: text(done.stderr), code: done.status.code() }
    }

    /// Runs a command that must succeed.
    fn does(&self, line: &str) -> String {
        let said = self.run(line);
        assert_eq!((said.code, &*said.err), (Some(0), ""), "{line}: {}", said.out);
        said.out
    }

    /// `kong docker-start`, once it answers.
    fn docker_start(&self) -> Container {
        let log = self.path("log");
        let file = File::create(&log).unwrap();
        let mut command = self.command("kong docker-start");
        let child = command.stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
        let container = Container { child, log };
        let waited = self.run("kong-wait --timeout 15");
        assert_eq!(waited.code, Some(0), "{}{}", waited.err, container.output());
        container
    }

    fn connect(&self) -> Peer {
        Peer::connect(self.port).expect("it does not accept a connection")
    }

    fn get(&self, target: &str) -> (u16, String) {
        let mut client = self.connect();
        client.send(format!("GET {target} HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n\r\n")).unwrap();
        let head = client.head().unwrap();
        let body = client.body(&head).unwrap();
        (head.status(), String::from_utf8_lossy(&body).into_owned())
    }

    fn listens(&self) -> bool {
        Peer::connect(self.port).is_ok()
    }
}

impl Drop for Kong {
    fn drop(&mut self) {
        // One in the background does not end with the test.
        let _ = self.command("kong stop").stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

// === impl Container ===

impl Container {
    fn output(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    fn signal(&self, name: &str) {
        let done = Command::new("sh").arg("-c").arg(format!("kill -{name} {}", self.child.id())).status().unwrap();
        assert!(done.success());
    }

    fn ends(&mut self) -> ExitStatus {
        within(LIMIT, || self.child.try_wait().unwrap().is_some());
        self.child.try_wait().unwrap().unwrap_or_else(|| panic!("it did not end:\n{}", self.output()))
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_container_serves_in_the_foreground_and_says_it_is_well() {
    let upstream = Upstream::echo();
    let kong = Kong::with(&to(&upstream));
    assert_eq!(kong.run("kong health").code, Some(1), "before it runs");
    let container = kong.docker_start();
    let prefix = kong.path("prefix").to_string_lossy().into_owned();
    assert_eq!(kong.get("/x").0, 200);
    assert_eq!(kong.does("kong health"), format!("nginx.......running\n\nKong is healthy at {prefix}\n"));
    assert_eq!(kong.does("kong-health"), format!("\nKong is healthy at \t{prefix}\n"));
    assert!(!container.output().contains("Kong started"), "{}", container.output());
    let again = kong.run("kong docker-start");
    assert_eq!((again.code, again.err.contains("Kong is already running in ")), (Some(1), true), "{}", again.err);
}

#[test]
fn without_a_file_it_serves_nothing_and_is_well() {
    let kong = Kong::empty();
    let _container = kong.docker_start();
    assert_eq!(kong.get("/"), (404, "{\"message\":\"no Route matched with those values\"}".to_owned()));
    kong.does("kong health");
}

#[test]
fn without_a_file_it_serves_what_is_posted() {
    let admin = gateway::free_port();
    let kong = Kong::empty().set("KONG_ADMIN_LISTEN", &format!("127.0.0.1:{admin}"));
    let container = kong.docker_start();
    assert_eq!(ask(admin, "GET", "/status", "", "").json()["configuration_hash"], "0".repeat(32));
    let upstream = Upstream::echo();
    assert_eq!(ask(admin, "POST", "/config", "Content-Type: text/yaml\r\n", &to(&upstream)).status, 201);
    assert_eq!(kong.get("/").0, 200);
    container.signal("HUP");
    assert!(within(LIMIT, || container.output().contains("the configuration that was posted stays")));
    assert_eq!(kong.get("/").0, 200);
}

#[test]
fn quit_waits_and_term_does_not() {
    for (signal, whole) in [("QUIT", true), ("TERM", false), ("INT", false)] {
        let (upstream, was_asked, go_on) = patient();
        let kong = Kong::with(&to(&upstream));
        let mut container = kong.docker_start();
        let mut client = kong.connect();
        client.send("GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n").unwrap();
        was_asked.recv_timeout(LIMIT).unwrap();
        let start = Instant::now();
        container.signal(signal);
        if whole {
            assert!(within(LIMIT, || !kong.listens()), "{signal}");
            go_on.send(()).unwrap();
            assert_eq!(client.head().unwrap().status(), 200, "{signal}");
        }
        assert_eq!(container.ends().code(), Some(0), "{signal}: {}", container.output());
        assert!(start.elapsed() < Duration::from_secs(5), "{signal}");
        assert!(client.head().is_err(), "{signal}");
    }
}

#[test]
fn in_the_background_it_is_started_reloaded_and_stopped() {
    let upstream = Upstream::echo();
    let kong = Kong::with(&to(&upstream));
    assert_eq!(kong.does("kong start"), "Kong started\n");
    assert_eq!(kong.get("/").0, 200);
    let again = kong.run("kong start");
    assert!(again.code == Some(1) && again.err.starts_with("Error: Kong is already running in "), "{}", again.err);
    std::fs::write(kong.path("kong.yml"), "_format_version: \"2.1\"\n").unwrap();
    assert_eq!(kong.does("kong reload"), "Kong reloaded\n");
    assert!(within(LIMIT, || kong.get("/").0 == 404));
    assert_eq!(kong.does("kong restart"), "Kong started\n");
    assert_eq!(kong.does("kong stop"), "Kong stopped\n");
    assert!(!kong.listens());
    let access = std::fs::read_to_string(kong.path("prefix/logs/access.log")).unwrap();
    assert!(access.contains("\"GET / HTTP/1.1\" 200"), "{access}");
    assert!(
        kong.path("prefix/logs/admin_access.log").is_file(),
        "requests of the Admin API are not among the clients'"
    );
    let errors = std::fs::read_to_string(kong.path("prefix/logs/error.log")).unwrap();
    assert!(errors.contains("reading the configuration again"), "{errors}");
    assert!(kong.run("kong stop").err.starts_with("Error: nginx not running in prefix: "));
}

#[test]
fn its_logs_may_be_moved_away() {
    let upstream = Upstream::answering("HTTP/1.1 204 No Content\r\n\r\n");
    let kong = Kong::with(&to(&upstream));
    kong.does("kong start");
    let log = |name: &str| kong.path("prefix/logs").join(name);
    for name in ["access.log", "error.log"] {
        std::fs::rename(log(name), log(&format!("{name}.1"))).unwrap();
    }
    let pid = std::fs::read_to_string(kong.path("prefix/pids/nginx.pid")).unwrap();
    let asked = Command::new("kill").args(["-USR1", pid.trim()]).status().unwrap();
    assert!(asked.success() && within(LIMIT, || log("access.log").is_file()));
    assert_eq!(kong.get("/anew").0, 204);
    kong.does("kong reload");
    let holds = |name: &str, text: &str| std::fs::read_to_string(log(name)).is_ok_and(|lines| lines.contains(text));
    assert!(within(LIMIT, || holds("access.log", "GET /anew")));
    assert!(within(LIMIT, || holds("error.log", "reading the configuration again")));
    kong.does("kong stop");
}

#[test]
fn a_stop_cuts_off_what_a_quit_lets_end() {
    let (upstream, was_asked, go_on) = patient();
    let kong = Kong::with(&to(&upstream));
    let ask = || {
        kong.does("kong start");
        let mut client = kong.connect();
        client.send("GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n").unwrap();
        was_asked.recv_timeout(LIMIT).unwrap();
        client
    };
    let mut client = ask();
    assert_eq!(kong.does("kong stop"), "Kong stopped\n");
    assert!(client.head().is_err());
    go_on.send(()).unwrap();

    let mut client = ask();
    assert_eq!(kong.does("kong quit -t 1"), "Timeout, Kong stopped forcefully\n");
    assert!(client.head().is_err());
    go_on.send(()).unwrap();

    let mut client = ask();
    let mut quit = kong.command("kong quit");
    let quit = quit.stdout(Stdio::piped()).spawn().unwrap();
    assert!(within(LIMIT, || !kong.listens()));
    go_on.send(()).unwrap();
    assert_eq!(client.head().unwrap().status(), 200);
    drop(client);
    assert_eq!(quit.wait_with_output().unwrap().stdout, b"Kong stopped (gracefully)\n");
}

#[test]
fn a_prefix_that_cannot_be_written_is_no_reason_not_to_serve() {
    let upstream = Upstream::echo();
    // Nobody can make a folder there, not even root.
    let kong = Kong::with(&to(&upstream)).set("KONG_PREFIX", "/proc/kong");
    let container = kong.docker_start();
    assert_eq!(kong.get("/").0, 200);
    assert!(kong.does("kong health").ends_with("Kong is healthy at /proc/kong\n"));
    let notice =
        "commands such as `kong health` find this gateway by its listeners alone: could not prepare Kong prefix";
    assert!(container.output().contains(notice), "{}", container.output());
    drop(container);
    assert_eq!(kong.run("kong health").code, Some(1));
}

#[test]
fn who_takes_connections_and_does_not_answer_is_not_well() {
    let upstream = Upstream::echo();
    // Once the Admin API is asked, once the listener for clients.
    for admin in [format!("127.0.0.1:{}", gateway::free_port()), "off".to_owned()] {
        let kong = Kong::with(&to(&upstream)).set("KONG_ADMIN_LISTEN", &admin);
        let container = kong.docker_start();
        container.signal("STOP");
        let start = Instant::now();
        let said = kong.run("kong health");
        container.signal("CONT");
        assert_eq!((said.code, &*said.out), (Some(1), "nginx.......not running\n\n"), "{admin:?}");
        assert!(said.err.starts_with("Error: Kong is not running at "), "{}", said.err);
        assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
        assert!(within(LIMIT, || kong.run("kong health").code == Some(0)), "{admin:?}");
    }
}

#[test]
fn a_listener_with_tls_alone_is_asked_by_connecting() {
    let upstream = Upstream::echo();
    let kong = Kong::with(&to(&upstream)).set("KONG_ADMIN_LISTEN", "off");
    let tls = format!("127.0.0.1:{} ssl http2", kong.port);
    let kong = kong.set("KONG_PROXY_LISTEN", &tls);
    let container = kong.docker_start();
    kong.does("kong health");
    drop(container);
    assert_eq!(kong.run("kong health").code, Some(1));
}

#[test]
fn settings_may_be_in_files() {
    let upstream = Upstream::echo();
    let kong = Kong::empty();
    std::fs::write(kong.path("document"), to(&upstream)).unwrap();
    let file = kong.path("document").to_string_lossy().into_owned();
    let kong = kong.set("KONG_DECLARATIVE_CONFIG_STRING_FILE", &file);
    let _container = kong.docker_start();
    assert_eq!(kong.get("/").0, 200);
    let both = Kong::empty().set("KONG_HEADERS", "off").set("KONG_HEADERS_FILE", &file);
    let said = both.run("kong docker-start");
    let want = "error: both KONG_HEADERS and KONG_HEADERS_FILE are set (but are exclusive)\n";
    assert_eq!((said.code, &*said.err), (Some(1), want));
}

#[test]
fn a_start_that_fails_says_why_and_leaves_nobody() {
    let upstream = Upstream::echo();
    let kong = Kong::with(&to(&upstream));
    let taken = TcpListener::bind(("127.0.0.1", kong.port)).unwrap();
    let said = kong.run("kong start");
    assert_eq!((said.code, &*said.out), (Some(1), ""));
    assert!(said.err.starts_with("Error: ") && said.err.contains(&kong.port.to_string()), "{}", said.err);
    drop(taken);
    assert!(kong.run("kong stop").err.starts_with("Error: nginx not running"));
    let database = Kong::empty().set("KONG_DATABASE", "postgres").run("kong start");
    assert!(database.err.starts_with("Error: database: 'postgres' is not supported"), "{}", database.err);
}

#[test]
fn waiting_has_an_end() {
    let kong = Kong::empty();
    let said = kong.run("kong-wait --timeout 1");
    assert!(said.code == Some(1) && said.err.contains(", after 1 seconds"), "{}", said.err);
    let waiting = kong.command("kong-wait --timeout 15").spawn().unwrap();
    let _container = kong.docker_start();
    assert!(waiting.wait_with_output().unwrap().status.success());
}

#[test]
fn what_a_template_for_nginx_had_besides_is_told() {
    let upstream = Upstream::echo();
    let kong = Kong::with(&to(&upstream));
    std::fs::write(kong.path("nginx"), "http { include 'nginx-kong.conf'; server { listen 8088; } }").unwrap();
    let said = kong.run("kong start --nginx-conf nginx --run-migrations --db-timeout 1 --lock-timeout 1");
    assert_eq!((said.code, &*said.out), (Some(0), "Kong started\n"));
    assert!(said.err.contains("[warn] --nginx-conf nginx: ") && said.err.contains("listen 8088"), "{}", said.err);
    assert!(said.err.contains("[warn] --run-migrations: "), "{}", said.err);
}

#[test]
fn a_file_of_settings_counts_in_the_background_too() {
    let upstream = Upstream::echo();
    let mut kong = Kong::with(&to(&upstream));
    let config = kong.path("kong.yml").to_string_lossy().into_owned();
    let other = gateway::free_port();
    let conf = format!("declarative_config = {config}\nproxy_listen = 127.0.0.1:{other}\nadmin_listen = off\n");
    std::fs::write(kong.path("kong.conf"), conf).unwrap();
    // So that it is stopped there, whatever comes.
    kong.env = vec![("KONG_PREFIX".to_owned(), kong.path("made").to_string_lossy().into_owned())];
    assert_eq!(kong.does("kong check kong.conf"), "configuration at kong.conf is valid\n");
    assert!(kong.does("kong prepare -c kong.conf -p made").contains("/made not found, trying to create it\n"));
    let noted = kong.path("made/.kong_env");
    assert_eq!(std::fs::metadata(&noted).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(std::fs::read_to_string(&noted).unwrap().contains(&format!("proxy_listen = 127.0.0.1:{other}\n")));
    assert_eq!(kong.does("kong start -c kong.conf -p made"), "Kong started\n");
    assert!(Peer::connect(other).is_ok());
    assert!(kong.does("kong health -p made").ends_with("/made\n"));
    assert_eq!(kong.run("kong health -p prefix").code, Some(1), "that is another's prefix");
    assert_eq!(kong.does("kong stop -p made"), "Kong stopped\n");
}

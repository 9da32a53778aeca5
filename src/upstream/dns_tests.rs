#![allow(clippy::unwrap_used)]

use super::*;
use std::cell::Cell;
use std::future::Future;
use std::time::Duration;
use tokio::task::LocalSet;
use tokio::time::{advance, sleep};

/// The answer that these make.
pub(crate) fn addresses(found: &[&str], port: u16) -> Addresses {
    Addresses::new(&sorted(found.iter().map(|address| address.parse().unwrap()).collect()), port)
}

/// Name servers that answer as told.
#[derive(Clone, Default)]
struct Servers(Rc<State>);

#[derive(Default)]
struct State {
    answer: RefCell<Option<Vec<IpAddr>>>,
    delay: Cell<Duration>,
    asked: Cell<usize>,
}

impl Servers {
    fn say(&self, addresses: &[&str]) {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        *self.0.answer.borrow_mut() = Some(addresses);
    }

    fn fail(&self) {
        *self.0.answer.borrow_mut() = None;
    }

    fn asked(&self) -> usize {
        self.0.asked.get()
    }

    fn lookup(&self) -> Lookup {
        let state = Rc::clone(&self.0);
        Box::new(move |_| {
            let state = Rc::clone(&state);
            async move {
                state.asked.set(state.asked.get() + 1);
                sleep(state.delay.get()).await;
                state.answer.borrow().clone().ok_or_else(|| io::Error::other("unknown"))
            }
            .boxed_local()
        })
    }

    fn resolver(&self) -> Resolver {
        let limits =
            Limits { ttl: Duration::from_secs(5), stale: Duration::from_secs(30), timeout: Duration::from_secs(2) };
        let fixed = [((Box::from("pinned"), 80), "127.0.0.1:8080".parse().unwrap())].into();
        Resolver::new(&fixed, limits, Arc::new(Told::default()), self.lookup())
    }
}

/// Runs with a clock that stands still but for `advance` and for sleeping when nothing else is to do.
fn run<F: Future<Output = ()>>(test: impl FnOnce(Servers, Resolver) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let servers = Servers::default();
    let resolver = servers.resolver();
    runtime.block_on(LocalSet::new().run_until(test(servers, resolver)));
}

async fn ask(resolver: &Resolver) -> Result<String, String> {
    let found = resolver.resolve("rest", 3000).await.map_err(|error| error.to_string())?;
    Ok(found.all().iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
}

async fn seconds(seconds: f64) {
    advance(Duration::from_secs_f64(seconds)).await;
}

/// Lets what runs in the background come to its end.
async fn settle() {
    sleep(Duration::from_millis(1)).await;
}

#[test]
fn a_fresh_answer_is_not_asked_for_again() {
    run(|servers, resolver| async move {
        servers.say(&["10.0.0.1"]);
        assert_eq!(ask(&resolver).await.unwrap(), "10.0.0.1:3000");
        seconds(3.9).await;
        let (one, two) = (resolver.resolve("rest", 3000).await.unwrap(), resolver.resolve("rest", 3000).await.unwrap());
        assert!(one.is(&two));
        settle().await;
        assert_eq!(servers.asked(), 1);
        assert_eq!(resolver.resolve("rest", 80).await.unwrap().all()[0].to_string(), "10.0.0.1:80");
        assert_eq!(servers.asked(), 1, "another port is the same name");
    });
}

#[test]
fn a_busy_name_is_renewed_without_waiting() {
    run(|servers, resolver| async move {
        servers.say(&["10.0.0.1"]);
        ask(&resolver).await.unwrap();
        seconds(4.5).await;
        servers.say(&["10.0.0.2"]);
        servers.0.delay.set(Duration::from_millis(300));
        assert_eq!(ask(&resolver).await.unwrap(), "10.0.0.1:3000");
        sleep(Duration::from_millis(301)).await;
        assert_eq!(ask(&resolver).await.unwrap(), "10.0.0.2:3000");
        assert_eq!(servers.asked(), 2);
    });
}

#[test]
fn after_its_time_an_answer_is_not_used_unasked() {
    run(|servers, resolver| async move {
        servers.say(&["10.0.0.1"]);
        ask(&resolver).await.unwrap();
        seconds(20.0).await;
        servers.say(&["10.0.0.2"]);
        assert_eq!(ask(&resolver).await.unwrap(), "10.0.0.2:3000");
    });
}

#[test]
fn old_addresses_serve_while_name_servers_are_slow_or_fail() {
    run(|servers, resolver| async move {
        servers.say(&["10.0.0.1"]);
        ask(&resolver).await.unwrap();
        servers.fail();
        seconds(6.0).await;
        assert_eq!(ask(&resolver).await.unwrap(), "10.0.0.1:3000");
        assert_eq!(ask(&resolver).await.unwrap(), "10.0.0.1:3000");
        assert_eq!(servers.asked(), 2, "a failure is not asked for again at once");
        seconds(2.0).await;
        servers.0.delay.set(Duration::from_secs(10));
        let before = Instant::now();
        assert_eq!(ask(&resolver).await.unwrap(), "10.0.0.1:3000");
        assert_eq!(before.elapsed().as_millis() / 10, PATIENCE.as_millis() / 10);
        let before = Instant::now();
        assert_eq!(ask(&resolver).await.unwrap(), "10.0.0.1:3000");
        assert_eq!(before.elapsed(), Duration::ZERO, "patience is for the look-up, not for each request");
        seconds(30.0).await;
        settle().await;
        assert_eq!(ask(&resolver).await.unwrap_err(), "unknown");
    });
}

#[test]
fn a_failure_is_short() {
    run(|servers, resolver| async move {
        assert_eq!(ask(&resolver).await.unwrap_err(), "unknown");
        servers.say(&["10.0.0.1"]);
        seconds(0.9).await;
        assert_eq!(ask(&resolver).await.unwrap_err(), "unknown");
        seconds(0.1).await;
        assert_eq!(ask(&resolver).await.unwrap(), "10.0.0.1:3000");
        assert_eq!(servers.asked(), 2);
        servers.say(&[]);
        assert!(resolver.resolve("empty", 1).await.unwrap_err().to_string().contains("no address"));
    });
}

#[test]
fn silence_ends_in_time_and_is_not_asked_again() {
    run(|servers, resolver| async move {
        servers.say(&["10.0.0.1"]);
        servers.0.delay.set(Duration::from_secs(10));
        let before = Instant::now();
        assert_eq!(resolver.resolve("rest", 3000).await.unwrap_err(), DnsError::Timeout);
        assert_eq!(before.elapsed().as_millis(), 2000);
        let before = Instant::now();
        assert_eq!(resolver.resolve("rest", 3000).await.unwrap_err(), DnsError::Timeout);
        assert_eq!(before.elapsed(), Duration::ZERO);
        assert_eq!(servers.asked(), 1);
        sleep(Duration::from_secs(9)).await;
        assert_eq!(ask(&resolver).await.unwrap(), "10.0.0.1:3000", "the late answer is an answer");
    });
}

#[test]
fn requests_at_once_ask_once() {
    run(|servers, resolver| async move {
        servers.say(&["10.0.0.1"]);
        servers.0.delay.set(Duration::from_millis(50));
        let all = futures_util::future::join_all((0..20).map(|_| ask(&resolver))).await;
        assert!(all.iter().all(|found| found.as_ref().unwrap() == "10.0.0.1:3000"));
        assert_eq!(servers.asked(), 1);
    });
}

#[test]
fn a_client_that_leaves_does_not_stop_the_look_up() {
    run(|servers, resolver| async move {
        servers.say(&["10.0.0.1"]);
        servers.0.delay.set(Duration::from_millis(50));
        let short = tokio::time::timeout(Duration::from_millis(10), ask(&resolver)).await;
        assert!(short.is_err());
        sleep(Duration::from_millis(50)).await;
        servers.fail();
        assert_eq!(ask(&resolver).await.unwrap(), "10.0.0.1:3000");
        assert_eq!(servers.asked(), 1);
    });
}

#[test]
fn a_failed_connection_asks_anew() {
    run(|servers, resolver| async move {
        servers.say(&["10.0.0.1"]);
        ask(&resolver).await.unwrap();
        servers.say(&["10.0.0.2"]);
        resolver.distrust("rest");
        assert_eq!(ask(&resolver).await.unwrap(), "10.0.0.1:3000", "too young to be wrong");
        seconds(1.5).await;
        resolver.distrust("rest");
        assert_eq!(ask(&resolver).await.unwrap(), "10.0.0.2:3000");
        for _ in 0..10 {
            resolver.distrust("rest");
            ask(&resolver).await.unwrap();
        }
        assert_eq!(servers.asked(), 2);
        seconds(1.5).await;
        servers.fail();
        resolver.distrust("rest");
        assert_eq!(ask(&resolver).await.unwrap(), "10.0.0.2:3000", "what is known is better than nothing");
        resolver.distrust("other");
        resolver.distrust("pinned");
    });
}

#[test]
fn an_equal_answer_is_the_same_answer() {
    run(|servers, resolver| async move {
        servers.say(&["10.0.0.2", "::1", "10.0.0.1", "10.0.0.2"]);
        let one = resolver.resolve("rest", 1).await.unwrap();
        seconds(6.0).await;
        servers.say(&["10.0.0.1", "10.0.0.2", "::1"]);
        let two = resolver.resolve("rest", 1).await.unwrap();
        assert_eq!(servers.asked(), 2);
        assert!(one.is(&two));
        let text = |addresses: &[SocketAddr]| addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        assert_eq!(text(two.all()), "10.0.0.1:1 10.0.0.2:1 [::1]:1");
        assert_eq!(text(two.preferred()), "10.0.0.1:1 10.0.0.2:1");
        servers.say(&["::2", "::1"]);
        assert_eq!(text(resolver.resolve("six", 1).await.unwrap().preferred()), "[::1]:1 [::2]:1");
    });
}

#[test]
fn pinned_names_are_never_asked_for() {
    run(|servers, resolver| async move {
        let pinned = resolver.resolve("pinned", 80).await.unwrap();
        assert_eq!(pinned.all()[0].to_string(), "127.0.0.1:8080");
        assert_eq!(servers.asked(), 0);
        resolver.resolve("pinned", 81).await.unwrap_err();
        assert_eq!(servers.asked(), 1, "another port is not pinned");
    });
}

#[test]
fn a_change_is_told_once() {
    let told = Told::default();
    let (one, two): (Vec<IpAddr>, Vec<IpAddr>) = (vec!["10.0.0.1".parse().unwrap()], vec!["10.0.0.2".parse().unwrap()]);
    assert!(told.is_news("rest", &two), "the first worker");
    assert!(!told.is_news("rest", &two), "the second worker");
    assert!(told.is_news("rest", &one));
    assert!(told.is_news("other", &one));
}

#[test]
fn the_system_knows_localhost() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let found = runtime.block_on(system()("localhost".into())).unwrap();
    assert!(found.iter().any(IpAddr::is_loopback));
    assert!(runtime.block_on(system()("does-not-exist.invalid".into())).is_err());
}

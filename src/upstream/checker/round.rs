//! One upstream's rounds: look-ups of its names, and checks of those who are healthy and of those who are not.

use super::probe::{self, Way};
use crate::health::board::Found;
use crate::health::checks::Active;
use crate::health::{Board, Member};
use crate::snapshot::{Host, Target, Upstream, UpstreamTls};
use crate::upstream::dns::Resolver;
use crate::upstream::tls::ClientConfigs;
use futures_util::StreamExt;
use futures_util::stream;
use http::HeaderValue;
use std::hash::{BuildHasher, RandomState};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, sleep_until};
use uuid::Uuid;

/// Longest time until a name that did not resolve is looked up again, or a target is checked for the first time.
const SOON: Duration = Duration::from_secs(5);
/// Least time between two rounds, however short an interval is.
const REST: Duration = Duration::from_millis(50);

/// What all upstreams are looked after with.
pub(super) struct Tools {
    pub(super) resolver: Resolver,
    /// How long an address is believed.
    pub(super) ttl: Duration,
    pub(super) configs: Arc<ClientConfigs>,
    /// One for each check under way.
    pub(super) seats: Semaphore,
}

/// An upstream, as far as it is looked after.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) id: Uuid,
    board: Arc<Board>,
    targets: Box<[Target]>,
    tls: Option<Arc<UpstreamTls>>,
}

/// An address to ask, and the Host that it gets.
type Candidate = (Arc<Member>, HeaderValue);

// === impl Subject ===

impl Subject {
    pub(super) fn of(upstream: &Upstream) -> Self {
        Self {
            id: upstream.identity.id,
            board: Arc::clone(&upstream.board),
            targets: upstream.targets.clone(),
            tls: upstream.checked_by.clone(),
        }
    }

    /// Whether there is anything to do: a name to look up, or somebody to ask.
    pub(super) fn needs_care(&self) -> bool {
        self.board.checks().active.is_some() || self.named().next().is_some()
    }

    /// Whether a target has this name.
    pub(super) fn names(&self, name: &str) -> bool {
        self.named().any(|(_, own)| own == name)
    }

    fn named(&self) -> impl Iterator<Item = (&Target, &str)> {
        self.targets.iter().filter_map(|target| match &target.host {
            Host::Name(name) => Some((target, &**name)),
            Host::Address(_) | Host::Upstream(_) => None,
        })
    }

    /// Those in this state. Who has no weight gets no requests and is not asked.
    fn candidates(&self, healthy: bool) -> Vec<Candidate> {
        let https = usize::from(self.tls.is_some());
        let mut found = Vec::new();
        for target in self.targets.iter().filter(|target| target.weight > 0) {
            let label = target.label();
            let members = addresses(&self.board, target).into_iter().filter_map(|at| self.board.member(&label, at));
            found.extend(members.map(|member| (member, target.authorities[https].clone())));
        }
        found.retain(|(member, _)| member.is_healthy() == healthy);
        found
    }
}

/// Where a target is, as far as that is known.
fn addresses(board: &Board, target: &Target) -> Vec<std::net::SocketAddr> {
    match (&target.host, board.found(&target.label())) {
        (Host::Address(ip), _) => vec![(*ip, target.port).into()],
        (_, Found::At(addresses)) => addresses,
        (_, Found::Unknown | Found::Nowhere(_)) => Vec::new(),
    }
}

impl PartialEq for Subject {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.board, &other.board) && self.targets == other.targets && self.tls == other.tls
    }
}

/// Looks after one upstream until it is told to stop.
pub(super) async fn attend(tools: Rc<Tools>, subject: Subject) {
    let active = subject.board.checks().active.as_ref();
    let rounds = async {
        let Some(active) = active else { return };
        let way = match subject.tls.as_deref().map(|tls| Way::new(active, tls, &tools.configs)).transpose() {
            Ok(way) => way,
            Err(error) => return tracing::error!(%error, "targets cannot be checked over TLS"),
        };
        let check = |healthy| check(&tools, &subject, active, way.as_ref(), healthy);
        tokio::join!(check(true), check(false));
    };
    tokio::join!(look_up(&tools, &subject), rounds);
}

/// Notes where names lead, over and over.
async fn look_up(tools: &Tools, subject: &Subject) {
    if subject.named().next().is_none() {
        return;
    }
    loop {
        let mut rest = tools.ttl;
        for (target, name) in subject.named() {
            let found = match tools.resolver.resolve(name, target.port).await {
                Ok(addresses) => Found::At(addresses.preferred().to_vec()),
                Err(error) => {
                    rest = rest.min(SOON);
                    Found::Nowhere(error.to_string())
                }
            };
            subject.board.note(&target.label(), found);
        }
        sleep(about(rest.max(Duration::from_secs(1)))).await;
    }
}

/// Asks all who are in this state, over and over.
async fn check(tools: &Tools, subject: &Subject, active: &Active, way: Option<&Way>, healthy: bool) {
    let every = if healthy { active.healthy_every } else { active.unhealthy_every };
    if every.is_zero() {
        return;
    }
    // Not all at once, and not before names are known.
    sleep(fraction(every.min(SOON))).await;
    loop {
        let begun = Instant::now();
        let ask = |(member, host): Candidate| async move {
            let Ok(_seat) = tools.seats.acquire().await else { return };
            member.active(probe::ask(active, way, member.address(), &host).await);
        };
        stream::iter(subject.candidates(healthy)).for_each_concurrent(active.concurrency, ask).await;
        sleep_until((begun + about(every)).max(Instant::now() + REST)).await;
    }
}

/// A time that is up to a tenth shorter or longer, so that processes that began together do not ask together.
fn about(time: Duration) -> Duration {
    time.mul_f64(0.9) + fraction(time.mul_f64(0.2))
}

/// Some part of a time.
#[allow(clippy::cast_precision_loss)]
fn fraction(time: Duration) -> Duration {
    time.mul_f64(RandomState::new().hash_one(()) as f64 / u64::MAX as f64)
}

//! Which certificates there are and are wanted, and what is to be done next about one of them.

use super::due;
use super::folder::Folder;
use super::order::{Desk, Issued};
use super::{Place, Plan};
use crate::keys::facts;
use crate::server::certificates::Wish;
use foldhash::fast::FixedState;
use rustls::sign::CertifiedKey;
use std::collections::{BTreeMap, VecDeque};
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::mpsc::Sender;
use tokio::time::timeout;

const HOUR: Duration = Duration::from_secs(3600);
/// Rest where another certificate is served, or where enough was ordered.
const LATER: Duration = Duration::from_secs(600);
/// Rest after an authority had no advice.
const SILENT: Duration = Duration::from_secs(6 * 3600);
/// Limits of what an authority says on when to ask again.
const ASK_AGAIN: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(24 * 3600));
/// Longest time for an order.
const LIMIT: Duration = Duration::from_secs(300);
/// Most names that are known and have no certificate, such as those that clients asked for.
const MOST_NAMES: usize = 1000;
/// Most orders in an hour, whoever asks; Let's Encrypt takes as many from an account.
const MOST_ORDERS: usize = 100;

/// All names, and what is known of them.
pub(super) struct Keeper {
    place: Place,
    tell: Sender<Box<str>>,
    at: Option<Authority>,
    names: BTreeMap<Box<str>, Name>,
    /// When the last orders were made.
    orders: VecDeque<SystemTime>,
    /// Until when nothing is said of limits.
    quiet_until: SystemTime,
}

/// From whom certificates come.
struct Authority {
    plan: Arc<Plan>,
    folder: Folder,
}

/// A name for which there is a certificate, or for which one is wanted.
struct Name {
    pair: Option<Arc<CertifiedKey>>,
    /// When it is to be looked at; `None` is when a client asks again.
    next: Option<SystemTime>,
    /// How often in a row an order failed, and until when no other is made.
    failures: u32,
    rests: SystemTime,
    /// When the authority wants it to be renewed, and when it is asked about that.
    advised: Option<SystemTime>,
    asks: SystemTime,
}

/// Different for different certificates, the same after a restart.
fn seed(pair: &CertifiedKey) -> u64 {
    FixedState::default().hash_one(pair.cert.first().map(|leaf| leaf.as_ref()))
}

// === impl Name ===

impl Name {
    /// One that is to be looked at now.
    fn new(pair: Option<Arc<CertifiedKey>>, now: SystemTime) -> Self {
        Self { pair, next: Some(now), failures: 0, rests: now, advised: None, asks: now }
    }

    /// When an order is due.
    fn due(&self, plan: &Plan) -> SystemTime {
        let planned = self.pair.as_ref().and_then(|pair| {
            let planned = due::renewal(&facts(pair).ok()?, plan.renew_before, seed(pair));
            Some(self.advised.map_or(planned, |advised| advised.min(planned)))
        });
        planned.map_or(self.rests, |planned| planned.max(self.rests))
    }

    /// Without a certificate there is nothing to ask about.
    fn plan_next(&mut self, plan: &Plan) {
        let due = self.due(plan);
        self.next = Some(if self.pair.is_some() { due.min(self.asks) } else { due });
    }

    fn is_over(&self, now: SystemTime) -> bool {
        self.pair.as_ref().is_none_or(|pair| facts(pair).is_ok_and(|facts| facts.not_after < now))
    }
}

// === impl Keeper ===

impl Keeper {
    /// Knows of nothing yet. Names that clients ask for are told over `tell`.
    pub(super) fn new(place: Place, tell: Sender<Box<str>>) -> Self {
        Self {
            place,
            tell,
            at: None,
            names: BTreeMap::new(),
            orders: VecDeque::new(),
            quiet_until: SystemTime::UNIX_EPOCH,
        }
    }

    /// Goes by another plan, or by none. What is known of names that both have stays.
    pub(super) fn adopt(&mut self, plan: Option<Arc<Plan>>, now: SystemTime) {
        let before = self.at.take();
        self.place.obtained.wish(None);
        match plan {
            None => self.names.clear(),
            Some(plan) => self.follow(before, plan, now),
        }
        self.publish();
    }

    fn follow(&mut self, before: Option<Authority>, plan: Arc<Plan>, now: SystemTime) {
        // Whoever corrects an account wants to know at once whether it does now.
        if !before.as_ref().is_some_and(|before| before.plan.has_account_of(&plan)) {
            self.names.clear();
        }
        let folder = match before {
            Some(known) if known.plan.directory == plan.directory => known.folder,
            _ => Folder::open(&self.place.folder, &plan.directory),
        };
        self.names.retain(|name, _| is_wanted(&plan, name));
        self.names.values_mut().filter(|known| known.next.is_some()).for_each(|known| known.plan_next(&plan));
        for name in folder.names().iter().filter(|name| is_wanted(&plan, name)) {
            self.names.entry(name.as_str().into()).or_insert_with(|| Name::new(folder.pair(name).map(Arc::new), now));
        }
        for name in plan.domains.names() {
            self.names.entry(name.into()).or_insert_with(|| Name::new(None, now));
        }
        if plan.may_order() {
            let wish = Wish { domains: plan.domains.clone(), tell: self.tell.clone() };
            self.place.obtained.wish(plan.domains.is_open().then_some(wish));
        } else {
            tracing::warn!(
                "the plugin acme orders nothing: Let's Encrypt wants its terms accepted (tos_accepted: true)"
            );
        }
        self.at = Some(Authority { plan, folder });
        self.names.retain(|name, known| self.at.as_ref().is_some_and(|at| at.wants(name)) || !known.is_over(now));
    }

    /// A client asked for a name that there is no certificate for.
    pub(super) fn take_up(&mut self, name: Box<str>, now: SystemTime) {
        let Some(at) = self.at.as_ref().filter(|at| is_wanted(&at.plan, &name)) else { return };
        if let Some(known) = self.names.get_mut(&name) {
            if known.next.is_none() {
                known.plan_next(&at.plan);
            }
            return;
        }
        if self.names.values().filter(|known| known.pair.is_none()).count() >= MOST_NAMES {
            let idle = self.names.iter().find(|(_, known)| known.next.is_none() && known.rests < now);
            let Some(idle) = idle.map(|(name, _)| name.clone()) else {
                return self.complain("clients asked for too many names, and more are passed over", now);
            };
            self.names.remove(&idle);
        }
        self.names.insert(name, Name::new(None, now));
    }

    /// When something is to be done, and for whom; nothing while nothing may be ordered.
    pub(super) fn next(&self) -> Option<(SystemTime, Box<str>)> {
        self.at.as_ref().filter(|at| at.plan.may_order())?;
        let all = self.names.iter().filter_map(|(name, known)| Some((known.next?, name)));
        all.min_by_key(|(next, _)| *next).map(|(next, name)| (next, name.clone()))
    }

    /// Does what is due for a name.
    pub(super) async fn attend(&mut self, name: &str, now: SystemTime) {
        if self.place.certificates.load().named(name).is_some() {
            tracing::debug!(name, "the configuration has a certificate for it: none is ordered");
            return self.later(name, now + LATER);
        }
        self.look_in_folder(name);
        let Some((at, known)) = self.at.as_mut().zip(self.names.get_mut(name)) else { return };
        if known.due(&at.plan) > now {
            return self.ask_advice(name, now).await;
        }
        if !at.wants(name) && known.pair.is_some() && known.is_over(now) {
            self.names.remove(name);
            return self.publish();
        }
        if !self.may_order(now) {
            return self.later(name, now + LATER);
        }
        self.order(name).await;
    }

    fn later(&mut self, name: &str, next: SystemTime) {
        if let Some(known) = self.names.get_mut(name) {
            known.next = Some(next);
        }
    }

    /// Another process that has the same folder may have ordered it meanwhile.
    fn look_in_folder(&mut self, name: &str) {
        let Some((at, known)) = self.at.as_ref().zip(self.names.get_mut(name)) else { return };
        let Some(kept) = at.folder.pair(name) else { return };
        let end = |pair: &CertifiedKey| facts(pair).map(|facts| facts.not_after).ok();
        if known.pair.as_ref().is_none_or(|pair| end(pair) < end(&kept)) {
            known.pair = Some(Arc::new(kept));
            known.plan_next(&at.plan);
            self.publish();
        }
    }

    async fn ask_advice(&mut self, name: &str, now: SystemTime) {
        let Some((at, known)) = self.at.as_mut().zip(self.names.get_mut(name)) else { return };
        let Some(pair) = known.pair.clone().filter(|_| known.asks <= now) else { return known.plan_next(&at.plan) };
        let asked = timeout(LIMIT, at.desk(&self.place).advice(&pair)).await;
        match asked.unwrap_or_else(|_| Err("the authority took too long".to_owned())) {
            Ok(advice) => {
                known.advised = Some(due::between(advice.start, advice.end, seed(&pair)));
                known.asks = now + advice.again.clamp(ASK_AGAIN.0, ASK_AGAIN.1);
            }
            Err(reason) => {
                tracing::debug!(name, %reason, "the authority has no advice on a renewal");
                known.asks = now + SILENT;
            }
        }
        known.plan_next(&at.plan);
    }

    /// Counts an order, if there may be another one.
    fn may_order(&mut self, now: SystemTime) -> bool {
        while self.orders.front().is_some_and(|first| now.duration_since(*first).is_ok_and(|ago| ago > HOUR)) {
            self.orders.pop_front();
        }
        let room = self.orders.len() < MOST_ORDERS;
        if room {
            self.orders.push_back(now);
        } else {
            self.complain("as many as may be were ordered in an hour, and the others wait", now);
        }
        room
    }

    /// Tells of a limit that is reached, once in an hour.
    fn complain(&mut self, what: &str, now: SystemTime) {
        if now >= self.quiet_until {
            tracing::warn!("the plugin acme orders less than it is asked for: {what}");
            self.quiet_until = now + HOUR;
        }
    }

    async fn order(&mut self, name: &str) {
        let Some((at, known)) = self.at.as_mut().zip(self.names.get(name)) else { return };
        let old = known.pair.clone();
        tracing::info!(name, directory = %at.plan.directory, renewal = old.is_some(), "ordering a certificate");
        let ordered = timeout(LIMIT, at.desk(&self.place).order(name, old.as_deref())).await;
        let ordered = ordered.unwrap_or_else(|_| Err("the authority took too long".to_owned()));
        match ordered.and_then(|issued| valid(issued, SystemTime::now())) {
            Ok(issued) => self.serve(name, issued),
            Err(reason) => self.fail(name, &reason, SystemTime::now()),
        }
    }

    fn serve(&mut self, name: &str, issued: Issued) {
        let (Some(at), Ok(facts)) = (&mut self.at, facts(&issued.pair)) else { return };
        at.folder.keep_pair(name, issued.pem);
        let now = SystemTime::now();
        let mut known = Name::new(Some(Arc::new(issued.pair)), now);
        // An authority whose advice is always to renew is not obeyed at once.
        known.rests = now + HOUR.min(facts.life() / 2);
        known.plan_next(&at.plan);
        tracing::info!(name, serial = facts.serial, valid_until = facts.until(), "serving an ordered certificate");
        self.names.insert(name.into(), known);
        self.publish();
    }

    /// One that a client asked for is tried again when a client does.
    fn fail(&mut self, name: &str, reason: &str, now: SystemTime) {
        let Some((at, known)) = self.at.as_ref().zip(self.names.get_mut(name)) else { return };
        known.failures = known.failures.saturating_add(1);
        let rest = due::rest(at.plan.backoff, known.failures);
        known.rests = now + rest;
        known.plan_next(&at.plan);
        if known.pair.is_none() && !at.wants(name) {
            known.next = None;
        }
        tracing::warn!(name, reason, failures = known.failures, again_after = ?rest, "no certificate could be had");
    }

    /// Shows all that there are.
    fn publish(&self) {
        let pairs = self.names.iter().filter_map(|(name, known)| Some((name.clone(), known.pair.clone()?)));
        self.place.obtained.show(pairs.collect());
    }
}

/// Whether a plan is about a name, written down or not.
fn is_wanted(plan: &Plan, name: &str) -> bool {
    plan.domains.names().any(|own| own == name) || plan.domains.welcome(name)
}

fn valid(issued: Issued, now: SystemTime) -> Result<Issued, String> {
    facts(&issued.pair).map_err(|error| error.to_string())?.valid_at(now)?;
    Ok(issued)
}

// === impl Authority ===

impl Authority {
    /// Whether a name is written down whole.
    fn wants(&self, name: &str) -> bool {
        self.plan.domains.names().any(|own| own == name)
    }

    fn desk<'a>(&'a mut self, place: &'a Place) -> Desk<'a> {
        Desk { plan: &self.plan, folder: &mut self.folder, configs: &place.configs }
    }
}

#[cfg(test)]
#[path = "keeper_tests.rs"]
mod tests;

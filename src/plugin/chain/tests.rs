#![allow(clippy::unwrap_used)]

use super::*;
use crate::entity::Compat;
use crate::plugin::testing::{block_on, context, request};
use futures_util::future::LocalBoxFuture;
use http::StatusCode;
use std::sync::Mutex;

/// What instances did, in order.
type Diary = Arc<Mutex<Vec<String>>>;

#[derive(Clone)]
enum Does {
    Nothing,
    Answers,
    WaitsAndAnswers,
    Knows(u32),
    WaitsAndKnows(u32),
}

/// A plugin that writes down when it runs.
struct Probe {
    name: &'static str,
    does: Does,
    keeps: Vec<HeaderName>,
    diary: Diary,
}

impl Probe {
    fn note(&self, phase: &str) {
        self.diary.lock().unwrap().push(format!("{phase} {}", self.name));
    }
}

impl Plugin for Probe {
    fn access(&self, _: &mut Request<Body>, cx: &mut Ctx) -> Flow {
        self.note("access");
        match self.does {
            Does::Nothing => {}
            Does::Answers => return Flow::Respond(Response::new(Body::Empty)),
            Does::Knows(consumer) => cx.consumer = Some(ConsumerId(consumer)),
            Does::WaitsAndAnswers | Does::WaitsAndKnows(_) => return Flow::Wait,
        }
        Flow::Continue
    }

    fn wait<'a>(&'a self, _: &'a mut Request<Body>, cx: &'a mut Ctx) -> LocalBoxFuture<'a, Flow> {
        Box::pin(async move {
            self.note("wait");
            match self.does {
                Does::WaitsAndKnows(consumer) => {
                    cx.consumer = Some(ConsumerId(consumer));
                    Flow::Continue
                }
                _ => Flow::Respond(Response::new(Body::Empty)),
            }
        })
    }

    fn response(&self, res: &mut Response<Body>, _: &mut Ctx) {
        self.note("response");
        *res.status_mut() = StatusCode::IM_A_TEAPOT;
    }

    fn log(&self, _: &mut Ctx) {
        self.note("log");
    }

    fn keeps(&self) -> &[HeaderName] {
        &self.keeps
    }
}

/// Makes slots and runs requests through them.
#[derive(Default)]
struct Stage {
    diary: Diary,
    slots: Vec<Slot>,
}

impl Stage {
    fn probe(&self, name: &'static str, does: Does, keeps: &[&'static str]) -> Arc<dyn Plugin> {
        let keeps = keeps.iter().map(|name| HeaderName::from_static(name)).collect();
        Arc::new(Probe { name, does, keeps, diary: self.diary.clone() })
    }

    fn slot(mut self, name: &'static str, does: Does) -> Self {
        let base = Some(self.probe(name, does, &[]));
        self.slots.push(Slot { name, base, special: Vec::new() });
        self
    }

    /// A slot with an instance for consumer 7, and with or without one for all others.
    fn special(mut self, base: Option<&'static str>, special: &'static str) -> Self {
        let base = base.map(|name| self.probe(name, Does::Nothing, &[]));
        let instances = only(7, self.probe(special, Does::Nothing, &[]));
        self.slots.push(Slot { name: special, base, special: vec![instances] });
        self
    }

    /// Runs all phases for one request; yields whether a plugin answered, and what ran.
    fn run(self, cx: &mut Ctx) -> (bool, Vec<String>) {
        let chain = Chain::new(self.slots);
        let answer = block_on(chain.access(&mut request("GET", "/", &[], ""), cx));
        let answered = answer.is_some();
        chain.response(&mut answer.unwrap_or_default(), cx);
        chain.log(cx);
        (answered, std::mem::take(&mut *self.diary.lock().unwrap()))
    }
}

/// An instance for one consumer.
fn only(consumer: u32, plugin: Arc<dyn Plugin>) -> Arc<Special> {
    let mut special = Special::default();
    special.put(ConsumerId(consumer), plugin);
    Arc::new(special)
}

fn phases(names: &[&str], phases: &[&str]) -> Vec<String> {
    phases.iter().flat_map(|phase| names.iter().map(move |name| format!("{phase} {name}"))).collect()
}

#[test]
fn every_phase_runs_in_order_once_per_slot() {
    let stage = Stage::default().slot("a", Does::Nothing).slot("b", Does::Nothing);
    let (answered, ran) = stage.run(&mut context(Compat::Kong2));
    assert!(!answered);
    assert_eq!(ran, phases(&["a", "b"], &["access", "response", "log"]));
}

#[test]
fn an_answer_ends_access_but_nothing_else() {
    let stage = Stage::default().slot("a", Does::Nothing).slot("b", Does::Answers).slot("c", Does::Nothing);
    let (answered, ran) = stage.run(&mut context(Compat::Kong2));
    assert!(answered);
    let later = phases(&["a", "b", "c"], &["response", "log"]);
    assert_eq!(ran, [phases(&["a", "b"], &["access"]), later].concat());
}

#[test]
fn who_waits_is_called_again_and_may_answer() {
    let stage = Stage::default().slot("a", Does::WaitsAndAnswers).slot("b", Does::Nothing);
    let (answered, ran) = stage.run(&mut context(Compat::Kong2));
    assert!(answered);
    assert_eq!(ran[..2], ["access a", "wait a"]);
    assert_eq!(ran[2..], phases(&["a", "b"], &["response", "log"]));
}

#[test]
fn later_slots_run_the_consumers_instance_in_every_phase() {
    for known in [Does::Knows(7), Does::WaitsAndKnows(7)] {
        let stage =
            Stage::default().special(Some("early"), "never").slot("auth", known).special(Some("base"), "special");
        let (_, mut ran) = stage.run(&mut context(Compat::Kong2));
        ran.retain(|line| line != "wait auth");
        assert_eq!(ran, phases(&["early", "auth", "special"], &["access", "response", "log"]));
    }
}

#[test]
fn another_consumer_gets_the_base_instance_or_none() {
    let stage = Stage::default().slot("auth", Does::Knows(8)).special(Some("base"), "a").special(None, "b");
    let (_, ran) = stage.run(&mut context(Compat::Kong2));
    assert_eq!(ran, phases(&["auth", "base"], &["access", "response", "log"]));
}

#[test]
fn of_several_instances_for_a_consumer_the_first_runs() {
    let mut stage = Stage::default().special(Some("base"), "first");
    let second = only(7, stage.probe("second", Does::Nothing, &[]));
    let other = only(8, stage.probe("other", Does::Nothing, &[]));
    stage.slots[0].special.extend([second, other]);
    let slot = &stage.slots[0];
    let ran = |consumer: Option<u32>| {
        slot.pick(consumer.map(ConsumerId)).unwrap().log(&mut context(Compat::Kong2));
        stage.diary.lock().unwrap().pop().unwrap()
    };
    assert_eq!([Some(7), Some(8), Some(9), None].map(ran), ["log first", "log other", "log base", "log base"]);
}

#[test]
fn the_last_of_several_authentications_counts() {
    let stage = Stage::default()
        .slot("anonymous", Does::Knows(7))
        .special(None, "between")
        .slot("real", Does::Knows(8))
        .special(Some("base"), "never");
    let (_, ran) = stage.run(&mut context(Compat::Kong2));
    assert_eq!(ran, phases(&["anonymous", "between", "real", "base"], &["access", "response", "log"]));
}

#[test]
fn a_consumer_known_beforehand_counts_from_the_first_slot_on() {
    let mut cx = context(Compat::Kong2);
    cx.consumer = Some(ConsumerId(7));
    let (_, ran) = Stage::default().special(Some("base"), "special").run(&mut cx);
    assert_eq!(ran, phases(&["special"], &["access", "response", "log"]));
}

#[test]
fn a_short_circuit_leaves_the_consumer_known_to_later_slots() {
    let stage =
        Stage::default().slot("auth", Does::Knows(7)).slot("stop", Does::Answers).special(Some("base"), "special");
    let (answered, ran) = stage.run(&mut context(Compat::Kong2));
    assert!(answered);
    assert_eq!(ran[2..], phases(&["auth", "stop", "special"], &["response", "log"]));
}

#[test]
fn without_access_only_base_instances_answer() {
    let stage = Stage::default().slot("a", Does::Answers).special(Some("base"), "never");
    let (chain, cx) = (Chain::new(stage.slots), &mut context(Compat::Kong2));
    chain.response(&mut Response::default(), cx);
    chain.log(cx);
    assert_eq!(*stage.diary.lock().unwrap(), phases(&["a", "base"], &["response", "log"]));
}

#[test]
fn headers_are_kept_that_any_instance_asks_for() {
    let stage = Stage::default();
    let base = Some(stage.probe("a", Does::Nothing, &["origin", "x-a"]));
    let special = vec![only(1, stage.probe("b", Does::Nothing, &["x-a", "x-b"]))];
    let chain = Chain::new(vec![Slot { name: "a", base, special }]);
    let req = request("GET", "/", &[("x-b", "1"), ("x-a", "2"), ("x-a", "3"), ("x-c", "4")], "");
    let mut cx = context(Compat::Kong2);
    chain.keep(&req, &mut cx);
    let kept = |name| {
        let name = HeaderName::from_static(name);
        cx.kept.all(&name).map(|value| value.to_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(kept("x-a"), ["2", "3"]);
    assert_eq!(kept("x-b"), ["1"]);
    assert_eq!((kept("origin").len(), kept("x-c").len()), (0, 0));
}

#[test]
fn an_empty_chain_lets_everything_pass() {
    let (answered, ran) = Stage::default().run(&mut context(Compat::Kong2));
    assert_eq!((answered, ran.len(), Chain::default().is_empty()), (false, 0, true));
}

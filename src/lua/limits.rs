//! How long a chunk may run and how much memory a VM may hold. Kong has no such limits: there a chunk that never ends
//! ends the worker. Here it costs its own request an error.

use mlua::{HookTriggers, Lua, VmState};
use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Longest time that the chunks of one phase may take, all together. No other request of the worker goes on meanwhile.
pub const LONGEST: Duration = Duration::from_millis(200);

/// Most bytes that a VM may hold, of all its chunks.
pub const MEMORY: usize = 64 << 20;

/// Bytes that a VM may hold between two calls.
pub(super) const FULL: usize = MEMORY / 2;

/// Virtual instructions between two looks at the clock: a few microseconds.
const EVERY: u32 = 1000;

/// What is said of a chunk that took too long.
pub(super) const TOO_LONG: &str = "the chunk ran for more than 200 ms";

/// The clock of the call that runs.
#[derive(Debug, Default)]
pub(super) struct Watch {
    until: Cell<Option<Instant>>,
    over: Cell<bool>,
}

// === impl Watch ===

impl Watch {
    /// Installs both limits.
    pub(super) fn install(lua: &Lua) -> mlua::Result<Rc<Self>> {
        let watch = Rc::new(Self::default());
        let clock = Rc::clone(&watch);
        lua.set_memory_limit(MEMORY)?;
        lua.set_global_hook(HookTriggers::new().every_nth_instruction(EVERY), move |_, _| clock.look())?;
        Ok(watch)
    }

    /// A call begins.
    pub(super) fn start(&self) {
        self.over.set(false);
        self.until.set(Instant::now().checked_add(LONGEST));
    }

    /// It is over.
    pub(super) fn stop(&self) {
        self.until.set(None);
    }

    /// Whether its time ran out.
    pub(super) fn is_over(&self) -> bool {
        self.over.get()
    }

    /// Fails when the time is up.
    pub(super) fn look(&self) -> mlua::Result<VmState> {
        if self.until.get().is_some_and(|until| Instant::now() > until) {
            self.over.set(true);
            return Err(mlua::Error::runtime(TOO_LONG));
        }
        Ok(VmState::Continue)
    }
}

/// How long a function of ours that loops goes on: Lua's hook does not see it.
#[derive(Debug)]
pub(super) struct Patience(Instant);

/// How much time has passed since a moment.
pub(super) fn passed(since: Instant) -> Duration {
    Instant::now().saturating_duration_since(since)
}

// === impl Patience ===

impl Default for Patience {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Patience {
    /// Whether it has taken as long as all chunks of a phase may.
    pub(super) fn is_over(&self) -> bool {
        passed(self.0) > LONGEST
    }
}

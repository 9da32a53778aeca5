//! Work that takes long and waits for nothing, such as a bcrypt check: on threads of its own, few and with a short queue,
//! so that it holds up neither a worker nor the look-ups of names, which have tokio's threads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// How long a result is waited for.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Pieces of work that may wait for a thread.
const WAITING: usize = 64;

/// A piece of work that delivers its own result.
type Job = Box<dyn FnOnce() + Send>;

/// A queue, and the threads that empty it until it is dropped.
#[derive(Debug)]
struct Pool(SyncSender<Job>);

/// Does the work on another thread: half of the cores do such work, at least one, for the whole process.
///
/// `None` when too much is waiting already, when there is no result within [`PATIENCE`] (work that did not begin by then
/// never does), or when the work panicked.
pub async fn offload<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    static POOL: OnceLock<Pool> = OnceLock::new();
    POOL.get_or_init(|| Pool::new(threads(), WAITING)).run(PATIENCE, work).await
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| usize::from(cores).div_ceil(2))
}

// === impl Pool ===

impl Pool {
    fn new(threads: usize, waiting: usize) -> Self {
        let (sender, receiver) = sync_channel(waiting);
        let receiver = Arc::new(Mutex::new(receiver));
        for number in 0..threads {
            let receiver = Arc::clone(&receiver);
            let thread = std::thread::Builder::new().name(format!("offload-{number}"));
            if let Err(error) = thread.spawn(move || work_off(&receiver)) {
                tracing::error!(%error, "a thread for slow work cannot start");
            }
        }
        Self(sender)
    }

    async fn run<T: Send + 'static>(&self, patience: Duration, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let (tell, told) = oneshot::channel();
        let job = move || {
            if !tell.is_closed() {
                // Whoever asked may be gone by now.
                let _ = tell.send(work());
            }
        };
        self.0.try_send(Box::new(job)).ok()?;
        timeout(patience, told).await.ok()?.ok()
    }
}

/// One thread. A job that panics ends itself only.
fn work_off(jobs: &Mutex<Receiver<Job>>) {
    while let Some(job) = next(jobs) {
        let _ = catch_unwind(AssertUnwindSafe(job));
    }
}

/// The lock is held while waiting: the other threads that are free queue up behind it.
fn next(jobs: &Mutex<Receiver<Job>>) -> Option<Job> {
    jobs.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const LONG: Duration = Duration::from_secs(60);

    fn block_on<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
    }

    #[test]
    fn the_runtime_goes_on_while_work_is_done() {
        let (go, gone) = std::sync::mpsc::channel::<()>();
        let work = offload(move || gone.recv_timeout(LONG).is_ok());
        // The work ends only when the other future, on the same thread, has run.
        let (done, ()) = block_on(async { tokio::join!(work, async { go.send(()).unwrap() }) });
        assert_eq!(done, Some(true));
    }

    #[test]
    fn what_is_more_than_the_queue_holds_is_refused_at_once() {
        let pool = Pool::new(1, 1);
        let (begun, begins) = std::sync::mpsc::channel();
        let (go, gone) = std::sync::mpsc::channel::<()>();
        let first = pool.run(LONG, move || {
            begun.send(()).unwrap();
            gone.recv_timeout(LONG).is_ok()
        });
        block_on(async {
            let rest = async {
                begins.recv_timeout(LONG).unwrap();
                let second = pool.run(LONG, || 2);
                let third = async {
                    let refused = pool.run(LONG, || 3).await;
                    go.send(()).unwrap();
                    refused
                };
                tokio::join!(second, third)
            };
            assert_eq!(tokio::join!(first, rest), (Some(true), (Some(2), None)));
        });
    }

    #[test]
    fn what_nobody_waits_for_any_more_is_not_begun() {
        let pool = Pool::new(1, 4);
        let (go, gone) = std::sync::mpsc::channel::<()>();
        let begun = Arc::new(AtomicUsize::new(0));
        let count = begun.clone();
        block_on(async {
            let held = pool.run(LONG, move || gone.recv_timeout(LONG).is_ok());
            let late = async {
                let late = pool.run(Duration::from_millis(1), move || count.fetch_add(1, Ordering::SeqCst)).await;
                go.send(()).unwrap();
                late
            };
            assert_eq!(tokio::join!(held, late), (Some(true), None));
            assert_eq!(pool.run(LONG, || "after").await, Some("after"));
        });
        assert_eq!(begun.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn work_that_panics_takes_no_thread_with_it() {
        let pool = Pool::new(1, 4);
        block_on(async {
            let worse: Option<()> = pool.run(LONG, || panic!("a test's panic")).await;
            assert_eq!(worse, None);
            assert_eq!(pool.run(LONG, || 1).await, Some(1));
        });
    }
}

//! Work that takes a while, on a thread that lets all others go first: a reload costs a core some hundred milliseconds, and
//! where cores are few, those are the ones that serve requests. Priority alone does not do: see [`courtesy`].

use crate::courtesy;
use std::io;
use std::thread;

/// How far behind the others it stands. Each step is about a tenth less of a core that is asked for by more than one, so that
/// a reload gets a tenth of one that is busy with requests: it takes longer then, and does get done.
const BEHIND: i32 = 10;
/// What the main thread had when it read the first configuration.
const STACK: usize = 8 << 20;

/// Does some work, and waits for it. Its thread ends with it: nobody may go forward again, and what the caller starts later is
/// not to stand behind.
///
/// # Errors
/// If there can be no thread, or the work panicked.
pub(super) fn gently<T: Send>(work: impl FnOnce() -> T + Send) -> io::Result<T> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("compile".to_owned()).stack_size(STACK);
        let thread = thread.spawn_scoped(scope, || {
            // Of this thread alone, on Linux. Where it is not allowed, all are alike.
            let _ = rustix::process::nice(BEHIND);
            courtesy::politely();
            work()
        })?;
        thread.join().map_err(|_| io::Error::other("compiling it panicked"))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use rustix::process::getpriority_process;

    #[test]
    fn only_the_thread_of_the_work_stands_behind() {
        let before = getpriority_process(None).unwrap();
        let within = gently(|| getpriority_process(None).unwrap()).unwrap();
        assert_eq!(within, (before + BEHIND).min(19));
        assert_eq!(getpriority_process(None).unwrap(), before);
    }

    #[test]
    fn a_panic_is_an_error() {
        let result: io::Result<()> = gently(|| std::panic::resume_unwind(Box::new("")));
        assert!(result.is_err());
    }
}

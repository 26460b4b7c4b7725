//! Word from the system that something was plugged in or pulled, so that nobody has to ask all the time. What it was is for [`crate::list_boards`] to say.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;

use futures_core::Stream;

use crate::error::UsbError;

/// The thread wakes at least this often to see whether it should end.
const LOOK: Duration = Duration::from_millis(500);

/// Follows the ports until it is dropped.
#[derive(Debug)]
pub struct PortWatch {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Calls after each change at the USB ports, on a thread of its own. On Linux the word comes from udev, once it has given permissions; where there is no udev none comes.
///
/// # Errors
/// `System` where the system gives no word.
pub fn watch_ports(on_change: impl Fn() + Send + 'static) -> Result<PortWatch, UsbError> {
    let events = nusb::watch_devices().map_err(|error| UsbError::System { reason: error.to_string() })?;
    follow(events, on_change)
}

fn follow<S>(mut events: S, on_change: impl Fn() + Send + 'static) -> Result<PortWatch, UsbError>
where
    S: Stream + Send + Unpin + 'static,
{
    let over = Arc::new(AtomicBool::new(false));
    let theirs = Arc::clone(&over);
    let thread = std::thread::Builder::new()
        .name("calyx-usb-ports".to_owned())
        .spawn(move || {
            let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
            let mut context = Context::from_waker(&waker);
            while !theirs.load(Ordering::Acquire) {
                match Pin::new(&mut events).poll_next(&mut context) {
                    Poll::Ready(Some(_)) => on_change(),
                    Poll::Ready(None) => return,
                    Poll::Pending => std::thread::park_timeout(LOOK),
                }
            }
        })
        .map_err(|error| UsbError::System { reason: error.to_string() })?;
    Ok(PortWatch {
        over,
        thread: Some(thread),
    })
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl Drop for PortWatch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use std::sync::mpsc::channel;
    use std::sync::{Mutex, PoisonError};

    /// Events that a test gives, and the one who waits for them.
    #[derive(Default)]
    struct Script {
        events: VecDeque<Option<()>>,
        waiting: Option<Waker>,
    }

    #[derive(Clone, Default)]
    struct Scripted(Arc<Mutex<Script>>);

    impl Scripted {
        fn give(&self, event: Option<()>) {
            let mut script = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            script.events.push_back(event);
            if let Some(waker) = script.waiting.take() {
                waker.wake();
            }
        }
    }

    impl Stream for Scripted {
        type Item = ();
        fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<()>> {
            let mut script = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match script.events.pop_front() {
                Some(event) => Poll::Ready(event),
                None => {
                    script.waiting = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        }
    }

    #[test]
    fn each_change_is_told_and_the_thread_ends_with_its_owner_or_with_the_word() {
        let events = Scripted::default();
        let (sender, changes) = channel();
        let watch = follow(events.clone(), move || sender.send(()).unwrap()).unwrap();
        for _ in 0..3 {
            events.give(Some(()));
            changes.recv().unwrap();
        }
        drop(watch);
        assert!(changes.recv().is_err(), "the thread has ended, and its sender with it");

        let (sender, changes) = channel();
        let ends = Scripted::default();
        let watch = follow(ends.clone(), move || sender.send(()).unwrap()).unwrap();
        ends.give(None);
        assert!(changes.recv().is_err(), "the system has no more to say");
        drop(watch);
    }
}

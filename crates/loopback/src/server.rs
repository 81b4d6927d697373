//! A server on a thread of its own, so that it answers whatever the caller's thread or runtime does.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

/// How long open connections may go on after the server was dropped.
const FAREWELL: Duration = Duration::from_millis(500);

/// A running server; it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// A free port of 127.0.0.1, and its address.
pub(crate) fn listen() -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

impl Server {
    /// Serves `app` from now on.
    pub(crate) fn start(name: &str, listener: TcpListener, app: axum::Router) -> io::Result<Self> {
        Self::spawn(name, move |stopped| serve(listener, app, stopped))
    }

    /// Lets `accept` take the connections until the server is dropped.
    pub(crate) fn run<F: Future<Output = ()>>(
        name: &str,
        listener: TcpListener,
        accept: impl FnOnce(tokio::net::TcpListener) -> F + Send + 'static,
    ) -> io::Result<Self> {
        Self::spawn(name, move |stopped| async move {
            let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
            tokio::select! {
                () = accept(listener) => {}
                _ = stopped => {}
            }
        })
    }

    fn spawn<F: Future<Output = ()>>(
        name: &str,
        work: impl FnOnce(oneshot::Receiver<()>) -> F + Send + 'static,
    ) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name(name.into()).spawn(move || runtime.block_on(work(stopped)))?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The receiver is gone only when the server has ended already.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(listener: TcpListener, app: axum::Router, stopped: oneshot::Receiver<()>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let (begin, begun) = oneshot::channel::<()>();
    let graceful = axum::serve(listener, app).with_graceful_shutdown(async {
        let _ = begun.await;
    });
    let farewell = async move {
        let _ = stopped.await;
        let _ = begin.send(());
        tokio::time::sleep(FAREWELL).await;
    };
    // A client that reads a slow body must not keep the process alive.
    tokio::select! {
        _ = graceful => {}
        () = farewell => {}
    }
}

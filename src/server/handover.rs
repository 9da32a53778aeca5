//! Listening sockets on their way from a process to the one that takes its place, over a Unix socket: for each of them a
//! byte that says who opened it, with the descriptor beside it (unix(7), `SCM_RIGHTS`); then a byte for the end. One byte
//! comes back once the other process serves.
//!
//! Sockets, not addresses: clients that wait in a socket's queue would be lost with it.

use super::passed::{Opener, Passed};
use rustix::cmsg_space;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use std::io::{self, IoSlice, IoSliceMut, Write};
use std::mem::MaybeUninit;
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// What the successor says when it serves.
pub const SERVING: u8 = b'!';

const SUPERVISOR: u8 = b's';
const GATEWAY: u8 = b'g';
const END: u8 = b'.';

/// How long the next message may take; they are all sent at once.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sends the sockets.
///
/// # Errors
/// If the system refuses, or nobody can receive any more.
pub fn send(channel: &UnixStream, sockets: &[Passed]) -> io::Result<()> {
    channel.set_write_timeout(Some(PATIENCE))?;
    sockets.iter().try_for_each(|passed| send_one(channel, passed))?;
    (&mut &*channel).write_all(&[END])
}

fn send_one(channel: &UnixStream, passed: &Passed) -> io::Result<()> {
    let word = match passed.opener() {
        Opener::Supervisor => SUPERVISOR,
        Opener::Gateway => GATEWAY,
    };
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
    let mut beside = SendAncillaryBuffer::new(&mut space);
    let fds = [passed.socket().as_fd()];
    beside.push(SendAncillaryMessage::ScmRights(&fds));
    sendmsg(channel, &[IoSlice::new(&[word])], &mut beside, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Receives the sockets.
///
/// # Errors
/// If the other side ends, is silent, or says something else; if what it sends is no listening socket.
pub fn receive(channel: &UnixStream) -> io::Result<Vec<Passed>> {
    channel.set_read_timeout(Some(PATIENCE))?;
    let mut sockets = Vec::new();
    while let Some(passed) = receive_one(channel)? {
        sockets.push(passed);
    }
    Ok(sockets)
}

/// A byte at a time, so that no descriptor is taken for that of another.
fn receive_one(channel: &UnixStream) -> io::Result<Option<Passed>> {
    let (mut word, mut space) = ([0], [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))]);
    let mut beside = RecvAncillaryBuffer::new(&mut space);
    let got = recvmsg(channel, &mut [IoSliceMut::new(&mut word)], &mut beside, RecvFlags::CMSG_CLOEXEC)?;
    let opener = match (got.bytes, word[0]) {
        (0, _) => return Err(io::ErrorKind::UnexpectedEof.into()),
        (_, END) => return Ok(None),
        (_, SUPERVISOR) => Opener::Supervisor,
        (_, GATEWAY) => Opener::Gateway,
        (_, other) => return Err(io::Error::new(io::ErrorKind::InvalidData, format!("unknown message {other}"))),
    };
    let fd = descriptor(&mut beside).ok_or(io::ErrorKind::InvalidData)?;
    Passed::new(opener, "", TcpListener::from(fd)).map(Some)
}

fn descriptor(beside: &mut RecvAncillaryBuffer<'_>) -> Option<OwnedFd> {
    let rights = |message| match message {
        RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
        _ => None,
    };
    beside.drain().find_map(rights)
}

/// Tells the process before this one that it is no longer needed.
///
/// # Errors
/// If it is not there any more.
pub fn tell_serving(channel: &UnixStream) -> io::Result<()> {
    (&mut &*channel).write_all(&[SERVING])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::io::Read;
    use std::net::TcpStream;

    fn listener(opener: Opener) -> Passed {
        Passed::new(opener, "", TcpListener::bind("127.0.0.1:0").unwrap()).unwrap()
    }

    #[test]
    fn clients_that_wait_in_a_socket_are_handed_over_with_it() {
        let (here, there) = UnixStream::pair().unwrap();
        let sockets = [listener(Opener::Gateway), listener(Opener::Supervisor)];
        let mut client = TcpStream::connect(sockets[0].socket().local_addr().unwrap()).unwrap();
        client.write_all(b"waiting").unwrap();
        send(&here, &sockets).unwrap();
        let names = sockets.map(|passed| passed.to_string());
        let got = receive(&there).unwrap();
        assert_eq!(got.iter().map(Passed::to_string).collect::<Vec<_>>(), names);
        assert_eq!(got.iter().map(Passed::opener).collect::<Vec<_>>(), [Opener::Gateway, Opener::Supervisor]);
        let mut heard = [0; 7];
        got[0].socket().accept().unwrap().0.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"waiting");
        tell_serving(&there).unwrap();
        (&mut &here).read_exact(&mut heard[..1]).unwrap();
        assert_eq!(heard[0], SERVING);
    }

    #[test]
    fn anything_else_is_an_error() {
        for text in [&b""[..], b"x", b"g", b"s."] {
            let (here, there) = UnixStream::pair().unwrap();
            (&mut &here).write_all(text).unwrap();
            drop(here);
            assert!(receive(&there).is_err(), "{text:?}");
        }
    }
}

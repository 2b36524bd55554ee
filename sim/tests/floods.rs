//! Crowds at the doors: thousands that say nothing or one byte at a time, and tens of thousands that come and go badly. The
//! honest are served meanwhile, and nothing of the crowd remains.

#[cfg(test)]
mod tests {
    use sim::dimse::{self, Asked};
    use sim::random::{Random, seed};
    use sim::stage::{MODALITY, Stage};
    use sim::{amount, memory};
    use std::io::{Read as _, Write as _};
    use std::net::{SocketAddr, TcpStream};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::{Duration, Instant};

    /// Of each protocol.
    const SLOW: usize = 2_000;
    const MORE_MEMORY_KIB_MAX: u64 = 128 * 1024;
    const ECHO_MAX: Duration = Duration::from_millis(200);
    const GROWTH_KIB_MAX: u64 = 8 * 1024;

    /// Holds so many connections and says one more byte of `words` on each every few seconds; a connection that the server
    /// ends is made again, as an attacker would.
    fn be_slow(address: SocketAddr, words: &[u8], over: &AtomicBool, ready: &AtomicBool) {
        let connect = || {
            let socket = TcpStream::connect_timeout(&address, Duration::from_secs(5)).ok()?;
            socket.set_nonblocking(true).ok()?;
            Some((socket, 0))
        };
        let mut sockets: Vec<Option<(TcpStream, usize)>> = (0..SLOW).map(|_| connect()).collect();
        ready.store(true, Ordering::Relaxed);
        while !over.load(Ordering::Relaxed) {
            for slot in &mut sockets {
                let alive = slot.as_mut().is_some_and(|(socket, said)| {
                    let next = words.get(*said).copied().unwrap_or(b'x');
                    *said += 1;
                    let ended = matches!(socket.read(&mut [0; 64]), Ok(0));
                    !ended && socket.write(&[next]).is_ok()
                });
                if !alive {
                    *slot = connect();
                }
                if over.load(Ordering::Relaxed) {
                    return;
                }
                // A round takes some three seconds.
                std::thread::sleep(Duration::from_micros(1_500));
            }
        }
    }

    #[test]
    fn four_thousand_slow_peers_keep_nobody_out() {
        let folder = tempfile::tempdir().unwrap();
        let (stage, archive) = Stage::new(folder.path(), false).unwrap();
        stage.until_all_stored(&archive).unwrap();
        let before = memory::both_kib(&archive).unwrap();
        let over = AtomicBool::new(false);
        let ready = [AtomicBool::new(false), AtomicBool::new(false)];
        let request = dimse::associate_rq("SLOWPEER");
        std::thread::scope(|scope| {
            scope.spawn(|| {
                be_slow(archive.http, b"GET /dicom-web/studies HTTP/1.1\r\nHost: a\r\nX: ", &over, &ready[0])
            });
            scope.spawn(|| be_slow(archive.dimse, &request, &over, &ready[1]));
            while !ready.iter().all(|ready| ready.load(Ordering::Relaxed)) {
                std::thread::sleep(Duration::from_millis(10));
            }
            let story = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                let mut times = Vec::new();
                let mut most = 0;
                let begun = Instant::now();
                while begun.elapsed() < Duration::from_secs(amount(12, 60) as u64) {
                    let mut association = dimse::accepted(archive.dimse, MODALITY).unwrap();
                    for _ in 0..20 {
                        let asked = Instant::now();
                        assert_eq!(association.echo().unwrap(), 0);
                        times.push(asked.elapsed());
                    }
                    association.release().unwrap();
                    assert_eq!(stage.search(&archive), Some(200));
                    assert_eq!(stage.stow(&archive, false), Some(200));
                    most = most.max(memory::both_kib(&archive).unwrap());
                }
                times.sort();
                let p99 = times[times.len() * 99 / 100];
                println!("{} echoes, p99 {p99:?}; {} KiB more", times.len(), most.saturating_sub(before));
                assert!(p99 <= ECHO_MAX, "p99 of C-ECHO is {p99:?}");
                assert!(most.saturating_sub(before) <= MORE_MEMORY_KIB_MAX, "{before} KiB became {most}");
            }));
            over.store(true, Ordering::Relaxed);
            story.unwrap();
        });
        stage.check(&archive).unwrap();
    }

    /// One visit that goes wrong in one of many ways.
    fn misbehave(address: SocketAddr, random: &mut Random) {
        let Ok(mut socket) = TcpStream::connect_timeout(&address, Duration::from_secs(10)) else { return };
        let _set = socket.set_read_timeout(Some(Duration::from_secs(10)));
        let request = dimse::associate_rq("STRANGER");
        let _sent = match random.below(8) {
            0 => Ok(()),
            1 => socket.write_all(&dimse::abort()),
            2 => socket.write_all(&request[..random.index(request.len())]),
            3 => {
                // Refused: nobody knows this peer.
                let sent = socket.write_all(&request);
                let _answer = socket.read(&mut [0; 64]);
                sent
            }
            4 => {
                let garbage: Vec<u8> = (0..64).map(|_| u8::try_from(random.below(256)).unwrap()).collect();
                socket.write_all(&garbage)
            }
            5 => socket.write_all(&dimse::pdu(4, &[0; 32])),
            6 => socket.write_all(&[1, 0, 0xFF, 0xFF, 0xFF, 0xFF]),
            _ => {
                drop(socket);
                if let Ok(Asked::Accepted(association)) = dimse::associate(address, MODALITY) {
                    let _aborted = association.into_socket().write_all(&dimse::abort());
                }
                return;
            }
        };
    }

    #[test]
    fn a_flood_of_associations_leaves_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        let (stage, archive) = Stage::new(folder.path(), false).unwrap();
        stage.until_all_stored(&archive).unwrap();
        let visits = amount(20_000, 1_000_000);
        let first = seed();
        println!("SEGEL_SEED={first}");
        let dimse_address = archive.dimse;
        let flood = |from: usize, to: usize| {
            std::thread::scope(|scope| {
                for part in 0..4 {
                    scope.spawn(move || {
                        let mut random = Random::new(first.wrapping_add((from * 4 + part) as u64));
                        for _ in 0..(to - from) / 4 {
                            misbehave(dimse_address, &mut random);
                        }
                    });
                }
            });
            // What was cut off in the middle is forgotten within ARTIM; what ended is forgotten at once.
            std::thread::sleep(Duration::from_secs(2));
        };
        let measure = || (memory::both_kib(&archive).unwrap(), memory::open_files(archive.process_id()).unwrap());
        flood(0, visits / 10);
        let (early, files_early) = measure();
        flood(visits / 10, visits);
        let (late, files_late) = measure();
        println!("{visits} visits: {early} KiB, then {late} KiB; {files_early} files, then {files_late}");
        assert!(late.saturating_sub(early) <= GROWTH_KIB_MAX, "{early} KiB became {late}");
        assert!(files_late <= files_early + 8, "{files_early} open files became {files_late}");
        stage.until_all_stored(&archive).unwrap();
        stage.check(&archive).unwrap();
        stage.end(archive).unwrap();
    }
}

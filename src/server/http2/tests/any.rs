//! Whatever clients send.

use super::*;

/// Frames as an attacker may make them: nearly right.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let payload = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..12),
        Just(asked(1, true, "GET", "/").split_off(HEAD)),
        Just(vec![0, 0, 0, 8]),
        Just(vec![b'x'; 5000]),
    ];
    let one = (0..11_u8, any::<u8>(), 0..8_u32, payload)
        .prop_map(|(kind, flags, stream, payload)| frame(kind.into(), flags & 0x2d, stream, &payload));
    let right = (0..8_u32, any::<bool>()).prop_map(|(stream, end)| asked(2 * stream + 1, end, "POST", "/x"));
    proptest::collection::vec(prop_oneof![one, right], 0..40).prop_map(|all| all.concat())
}

/// What happens in one of a few lanes, each of which has one stream after the other.
#[derive(Clone, Copy, Debug)]
enum Act {
    Piece(usize),
    End,
    Reset,
}

fn acts() -> impl Strategy<Value = Vec<(usize, Act)>> {
    let act = prop_oneof![8 => (1..4000_usize).prop_map(Act::Piece), 3 => Just(Act::End), 1 => Just(Act::Reset)];
    proptest::collection::vec((0..5_usize, act), 1..60)
}

/// Uploads side by side, of which some are taken back. Each is all of one byte, and so must its answer be.
async fn lanes(mut client: Client, acts: Vec<(usize, Act)>) {
    let byte = |stream: u32| u8::try_from(stream % 251).unwrap();
    let mut open: [Option<(u32, usize)>; 5] = [None; 5];
    let (mut last, mut whole, mut resets) = (1, BTreeMap::new(), 0);
    client.send([PREFACE, &frame(Kind::Window, 0, 0, &1_000_000_u32.to_be_bytes())].concat()).await;
    // Those that are open at the end are ended.
    let rest = (0..5).map(|lane| (lane, Act::End));
    for (lane, act) in acts.into_iter().chain(rest) {
        if open[lane].is_none() {
            last += 2;
            client.send(asked(last, false, "POST", "/")).await;
        }
        let (stream, size) = open[lane].take().unwrap_or((last, 0));
        match act {
            Act::Piece(more) => {
                client.send(frame(Kind::Data, 0, stream, &vec![byte(stream); more])).await;
                open[lane] = Some((stream, size + more));
            }
            // More at once would be a flood.
            Act::Reset if resets < 15 => {
                resets += 1;
                client.send(frame(Kind::Reset, 0, stream, &[0, 0, 0, 8])).await;
            }
            Act::End | Act::Reset => {
                client.send(frame(Kind::Data, END_STREAM, stream, b"")).await;
                whole.insert(stream, size);
            }
        }
    }
    let mut answers = BTreeMap::<u32, Vec<u8>>::new();
    let mut ended = 0;
    while ended < whole.len() {
        let (head, payload) = client.next_but(BUT_BODIES).await.unwrap();
        assert_eq!(head.kind, Kind::Data);
        answers.entry(head.stream).or_default().extend(payload);
        ended += usize::from(head.flags & END_STREAM != 0);
        let more = u32::try_from(head.len.max(1)).unwrap().to_be_bytes();
        client.send(frame(Kind::Window, 0, 0, &more)).await;
    }
    let wanted = whole.into_iter().map(|(stream, size)| (stream, [&b"/:"[..], &vec![byte(stream); size]].concat()));
    assert!(answers == wanted.collect(), "bytes are lost, or another stream's");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn whatever_a_client_sends_the_connection_ends_when_it_does(bytes in frames(), cut in 1..5000_usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let patient = async |req: Request<Body>, _: Option<Sent>| {
                let body = req.into_body().collect().await.map(|all| all.to_bytes()).unwrap_or_default();
                ok(Body::full(body))
            };
            let client = async |mut client: Client| {
                // What it is sent is read, and what it says about itself is right.
                client.send(PREFACE).await;
                for piece in bytes.chunks(cut) {
                    if client.far.write_all(piece).await.is_err() {
                        break;
                    }
                }
                let _ = client.far.shutdown().await;
                client.end().await
            };
            let ended = tokio::time::timeout(seconds(200), served(patient, client)).await;
            assert!(ended.is_ok(), "it hangs");
        });
    }

    #[test]
    fn streams_keep_their_bytes_to_themselves(acts in acts(), pause in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let handler = async |req: Request<Body>, sent: Option<Sent>| {
                if pause {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                echo(req, sent).await
            };
            let done = tokio::time::timeout(seconds(60), served(handler, |client| lanes(client, acts))).await;
            assert!(done.is_ok(), "it hangs");
        });
    }
}

#![allow(clippy::unwrap_used)]
use super::*;

fn begun(now: Instant) -> Meter {
    Meter::new(128, now)
}

/// Control frames with so many bytes that a connection gets away with when nothing else happens.
fn taken(len: usize) -> usize {
    let now = Instant::now();
    let mut meter = begun(now);
    (0..100_000).take_while(|_| meter.control(len, || now).is_ok()).count()
}

#[test]
fn a_flood_of_control_frames_ends() {
    assert_eq!(taken(0), CONTROL.0 as usize);
    assert_eq!(taken(8), CONTROL.0 as usize);
    // 16 KiB each: fewer of them.
    assert_eq!(taken(16 * 1024), CONTROL.0 as usize / 17);
}

#[test]
fn time_fills_the_allowance_up_again() {
    let mut now = Instant::now();
    let mut meter = begun(now);
    // A keep-alive PING each second for a day, and an hour of one each 60 ms.
    for (times, pause) in [(86_400, 1000), (60_000, 60)] {
        for _ in 0..times {
            now += Duration::from_millis(pause);
            meter.control(8, || now).unwrap();
        }
    }
}

#[test]
fn work_makes_up_for_control_frames() {
    let now = Instant::now();
    let mut meter = begun(now);
    for _ in 0..100_000 {
        meter.answered(1000);
        (0..7).for_each(|_| meter.control(4, || now).unwrap());
        meter.data(1000, false).unwrap();
        (0..3).for_each(|_| meter.control(4, || now).unwrap());
    }
}

#[test]
fn requests_that_are_taken_back_end_it_unless_others_are_let_end() {
    let now = Instant::now();
    let mut meter = begun(now);
    (1..=500).for_each(|n| meter.ended((n, 0), || now).unwrap());
    assert!(meter.ended((500, 0), || now).is_ok());
    assert!(meter.ended((501, 0), || now).is_err());

    let (mut half, mut slow) = (begun(now), begun(now));
    for n in 1..=100_000_u32 {
        half.ended((n as usize, n as usize), || now).unwrap();
        slow.ended((n as usize, 0), || now + Duration::from_millis(20) * n).unwrap();
    }
}

#[test]
fn all_streams_of_a_page_may_be_taken_back_at_once_and_once_more() {
    let now = Instant::now();
    let mut meter = Meter::new(1000, now);
    meter.ended((1000, 0), || now).unwrap();
    meter.ended((2000, 0), || now).unwrap();
    assert!(meter.ended((2001, 0), || now).is_err());
}

#[test]
fn what_has_no_place_in_ordinary_traffic_ends_soon() {
    let mut meter = begun(Instant::now());
    assert_eq!((0..1000).take_while(|_| meter.data(0, false).is_ok()).count(), EMPTY as usize);
    assert_eq!((0..5000).take_while(|_| meter.broke().is_ok()).count(), BROKEN as usize);
    let mut meter = begun(Instant::now());
    (0..1000).for_each(|_| meter.data(0, true).unwrap());
    for _ in 0..10 {
        assert_eq!((0..1000).take_while(|_| meter.unseen().is_ok()).count(), UNSEEN as usize);
        meter.looked();
    }
}

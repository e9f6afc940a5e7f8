use chrono::TimeDelta;

use super::store::{BYTES, CAPACITY};
use super::*;

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_225_600, 0).unwrap()
}

fn line(n: i64) -> LogLine {
    of("golden", n, &format!("line {n}"))
}

fn of(source: &str, n: i64, text: &str) -> LogLine {
    LogLine { at: start() + TimeDelta::seconds(n), level: LogLevel::Info, source: source.into(), text: text.into() }
}

fn pane(n: i64) -> LogPane {
    let mut pane = LogPane::default();
    (0..n).for_each(|i| pane.push(line(i), false));
    all(&mut pane);
    pane
}

/// Settles to the end.
fn all(pane: &mut LogPane) {
    while pane.settle(true) {}
}

fn filter(pane: &mut LogPane, typed: &str) {
    pane.filter = typed.into();
    all(pane);
}

fn texts(pane: &LogPane, rows: usize) -> Vec<&str> {
    pane.window(rows, None).into_iter().map(|row| row.text).collect()
}

fn selected(pane: &LogPane, rows: usize) -> Option<&str> {
    pane.window(rows, None).into_iter().find(|row| row.selected).map(|row| row.text)
}

#[test]
fn scrolling_stops_the_following_and_only_being_told_starts_it_again() {
    let mut pane = pane(10);
    assert_eq!(texts(&pane, 2), ["line 8", "line 9"]);
    pane.scroll(-1, None);
    assert!(!pane.follows());
    assert_eq!((texts(&pane, 4), selected(&pane, 4)), (vec!["line 6", "line 7", "line 8", "line 9"], Some("line 8")));
    pane.push(line(10), false);
    assert_eq!(texts(&pane, 4), ["line 6", "line 7", "line 8", "line 9"], "what comes moves nothing");
    assert_eq!(pane.new_lines(), 1);
    pane.scroll(-5, None);
    assert_eq!((texts(&pane, 4), selected(&pane, 4)), (vec!["line 2", "line 3", "line 4", "line 5"], Some("line 3")));
    pane.scroll(99, None);
    assert_eq!((texts(&pane, 2), pane.follows()), (vec!["line 9", "line 10"], false));
    pane.first(None);
    assert_eq!((texts(&pane, 3), selected(&pane, 3)), (vec!["line 0", "line 1", "line 2"], Some("line 0")));
    pane.scroll(-1, None);
    assert_eq!(texts(&pane, 3), ["line 0", "line 1", "line 2"]);
    pane.follow();
    assert_eq!((texts(&pane, 1), selected(&pane, 1)), (vec!["line 10"], None));
}

#[test]
fn a_noisy_source_pushes_out_only_its_own_lines() {
    let mut pane = LogPane::default();
    pane.push(of("quiet", 0, "still here"), false);
    for n in 0..CAPACITY as i64 + 7 {
        pane.push(of("noisy", n, "noise"), false);
    }
    assert_eq!((pane.len(), pane.lost()), (CAPACITY + 1, 7));
    assert_eq!(texts(&pane, usize::MAX)[0], "still here");
    pane.dropped += 3;
    assert_eq!(pane.lost(), 10, "what was lost on the way counts too");
}

#[test]
fn all_sources_together_keep_no_more_than_their_share() {
    let mut pane = LogPane::default();
    pane.push(of("quiet", 0, "still here"), false);
    for n in 0..8_000 {
        let source = format!("s{}", n % 4);
        pane.push(of(&source, n, &"x".repeat(16 << 10)), false);
    }
    let kept: usize = pane.window(usize::MAX, None).iter().map(|row| row.text.len()).sum();
    assert!(kept <= BYTES && kept > BYTES / 2, "{kept}");
    assert_eq!(pane.len() as u64 + pane.lost(), 8_001);
    assert_eq!(texts(&pane, usize::MAX)[0], "still here");
}

#[test]
fn what_is_pushed_out_does_not_move_the_window_until_it_is_the_window() {
    let mut pane = pane(CAPACITY as i64);
    pane.scroll(-10, None);
    let before = texts(&pane, 3).join(",");
    pane.push(line(9_999), false);
    assert_eq!(texts(&pane, 3).join(","), before);
    for n in 10_000..16_000 {
        pane.push(line(n), false);
    }
    assert_eq!(texts(&pane, 2), ["line 11000", "line 11001"], "the oldest that is left");
    assert_eq!((pane.new_lines(), pane.follows()), (6_001, false));
    pane.scroll(1, None);
    assert_eq!(selected(&pane, 2), Some("line 11001"));
}

#[test]
fn filters_work_while_following_and_not() {
    let mut pane = pane(30);
    filter(&mut pane, "LINE 2");
    assert_eq!(texts(&pane, 3), ["line 27", "line 28", "line 29"]);
    filter(&mut pane, "!line 2");
    assert_eq!(texts(&pane, 2), ["line 18", "line 19"]);
    pane.scroll(-1, None);
    filter(&mut pane, "line [0-9]$");
    assert_eq!(texts(&pane, 2), ["line 8", "line 9"]);
    pane.push(line(31), false);
    pane.push(of("golden", 32, "line 5"), false);
    assert_eq!((pane.new_lines(), pane.found()), (1, Some(11)), "only what would be shown is new");
    pane.follow();
    assert_eq!(texts(&pane, 2), ["line 9", "line 5"]);
    filter(&mut pane, "");
    pane.gate = Some("smoke".into());
    all(&mut pane);
    assert_eq!(texts(&pane, 2), Vec::<&str>::new());
    pane.push(of("smoke", 40, "smoke"), false);
    assert_eq!(texts(&pane, 2), ["smoke"]);
}

#[test]
fn new_lines_are_counted_anew_when_the_filter_changes() {
    let mut pane = pane(10);
    pane.scroll(-1, None);
    (10..40).for_each(|n| pane.push(line(n), false));
    assert_eq!(pane.new_lines(), 30);
    filter(&mut pane, "line 3");
    assert_eq!(pane.new_lines(), 10);
    filter(&mut pane, "");
    assert_eq!(pane.new_lines(), 30);
}

#[test]
fn levels_cut_off_what_is_less_important() {
    let mut pane = pane(3);
    for (n, level) in [(3, LogLevel::Warn), (4, LogLevel::Err)] {
        pane.push(LogLine { level, ..line(n) }, false);
    }
    for (least, shown) in [(LogLevel::Info, 5), (LogLevel::Warn, 2), (LogLevel::Err, 1)] {
        pane.least = least;
        all(&mut pane);
        assert_eq!(texts(&pane, 9).len(), shown);
        assert_eq!(pane.found(), (shown < 5).then_some(shown));
    }
    pane.push(LogLine { level: LogLevel::Warn, ..line(9) }, false);
    assert_eq!(texts(&pane, 9), ["line 4"]);
}

#[test]
fn hits_are_stepped_through_among_all_lines() {
    let mut pane = pane(30);
    assert_eq!(pane.step(true, None), None, "nothing is looked for");
    pane.search = false;
    filter(&mut pane, "5");
    assert_eq!(texts(&pane, 9), ["line 5", "line 15", "line 25"]);
    assert_eq!(pane.step(true, None), Some((3, 3)), "the newest first");
    assert_eq!((texts(&pane, 3), selected(&pane, 3)), (vec!["line 24", "line 25", "line 26"], Some("line 25")));
    let marked: Vec<bool> = pane.window(3, None).iter().map(|row| row.hit).collect();
    assert_eq!(marked, [false, true, false]);
    assert_eq!(pane.step(true, None), None);
    assert_eq!(pane.step(false, None), Some((2, 3)));
    assert_eq!(pane.step(false, None), Some((1, 3)));
    assert_eq!((pane.step(false, None), selected(&pane, 3)), (None, Some("line 5")));
    filter(&mut pane, "15");
    assert_eq!(texts(&pane, 9), ["line 15"], "another filter is a filter again");
}

#[test]
fn a_filter_is_applied_a_piece_at_a_time_and_comes_to_the_same() {
    let mut pane = LogPane::default();
    for n in 0..4_000 {
        pane.push(of("a", n, &format!("{n} {}", "x".repeat(200))), false);
    }
    all(&mut pane);
    pane.filter = "7 x".into();
    pane.settle(true);
    assert!(pane.is_looking());
    let early = pane.found().unwrap();
    assert!(early > 0 && texts(&pane, 1)[0].starts_with("3997 "), "the newest are found first");
    pane.push(of("a", 4_007, "4007 x"), false);
    // Older than what was looked at so far: found when its turn comes, once.
    pane.push(of("b", 1, "7 x late"), false);
    all(&mut pane);
    assert_eq!(pane.found(), Some(402));
    assert_eq!(texts(&pane, 2), [&format!("3997 {}", "x".repeat(200)), "4007 x"]);
}

#[test]
fn the_window_ends_at_the_time_cursor() {
    let mut pane = pane(30);
    let at = |n| Some(start() + TimeDelta::seconds(n));
    let shown =
        |pane: &LogPane, n| pane.window(2, at(n)).into_iter().map(|row| row.text.to_owned()).collect::<Vec<_>>();
    assert_eq!(shown(&pane, 12), ["line 11", "line 12"]);
    assert_eq!(shown(&pane, -5), Vec::<String>::new());
    pane.scroll(-1, at(12));
    assert_eq!(pane.current(at(12)).map(|row| row.text), Some("line 11"));
    pane.scroll(9, at(12));
    assert_eq!(pane.current(at(12)).map(|row| row.text), Some("line 12"), "no further than the time cursor");
    assert_eq!(shown(&pane, 20), ["line 11", "line 12"], "and stopped there");
    assert_eq!(shown(&pane, 3), ["line 2", "line 3"]);
    pane.follow();
    assert_eq!(shown(&pane, 20), ["line 19", "line 20"]);
    filter(&mut pane, "5");
    assert_eq!(pane.step(true, at(20)), Some((2, 3)));
}

#[test]
fn events_are_put_where_their_time_is_and_notes_are_always_shown() {
    let mut pane = pane(3);
    pane.push(LogLine { text: "event".into(), ..line(1) }, true);
    pane.push(LogLine { text: "note: mark".into(), ..line(2) }, true);
    all(&mut pane);
    assert_eq!(texts(&pane, 9), ["line 0", "line 1", "event", "line 2", "note: mark"]);
    pane.settle(false);
    assert_eq!(texts(&pane, 9), ["line 0", "line 1", "line 2", "note: mark"]);
    pane.gate = Some("smoke".into());
    pane.least = LogLevel::Err;
    while pane.settle(false) {}
    assert_eq!(texts(&pane, 9), ["note: mark"], "a mark is for finding one's place");
}

/// The same as a plain list that is looked through each time.
#[test]
fn it_shows_what_a_plain_list_would() {
    let mut rng = fastrand::Rng::with_seed(11);
    for round in 0..60 {
        let (mut pane, mut list) = (LogPane::default(), Vec::new());
        let filters = ["", "a", "!a", "b|c", "[", "level"];
        for n in 0..rng.i64(1..400) {
            let text: String = (0..rng.usize(0..6)).map(|_| ['a', 'b', 'c', ' ', '['][rng.usize(..5)]).collect();
            let source = ["x", "y", "z"][rng.usize(..3)];
            let mut line = of(source, n - rng.i64(0..5), &text);
            line.level = [LogLevel::Info, LogLevel::Warn, LogLevel::Err][rng.usize(..3)];
            list.push(line.clone());
            pane.push(line, false);
            if rng.u8(..10) == 0 {
                pane.filter = filters[rng.usize(..filters.len())].into();
                pane.gate = [None, Some("x".into())][rng.usize(..2)].clone();
                pane.least = [LogLevel::Info, LogLevel::Warn][rng.usize(..2)];
            }
            if rng.u8(..4) == 0 {
                pane.settle(true);
            }
        }
        all(&mut pane);
        list.sort_by_key(|line| line.at);
        let built = Filter::new(&pane.filter);
        let wanted: Vec<&str> = list
            .iter()
            .filter(|line| pane.gate.as_ref().is_none_or(|gate| *gate == line.source) && line.level >= pane.least)
            .filter(|line| built.matches(&line.source, line.level, &line.text))
            .map(|line| line.text.as_str())
            .collect();
        assert_eq!(texts(&pane, usize::MAX), wanted, "round {round}, filter {:?}", pane.filter);
        let (rows, up) = (rng.usize(1..20), rng.isize(1..50));
        pane.scroll(-up, None);
        let window = texts(&pane, rows);
        assert_eq!(window.len(), rows.min(wanted.len()));
        assert_eq!(selected(&pane, rows).is_some(), !wanted.is_empty(), "the cursor is always in the window");
    }
}

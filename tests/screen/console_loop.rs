//! Key scripts through the real loop: the engine, the journal, the pollers and the screen are the real ones, the
//! backend is scripted, and the clock moves when the script says so.

mod rig;

use crate::support::scripted::Script;
use cutover::testing::domain::{Closing, Move, Side, Split};
use cutover::testing::runtime::console::ConsoleOptions;
use cutover::testing::terminal::input::Filters;
use cutover::testing::terminal::{Input, Signal};
use rig::{Hands, Paper, console, console_with};

fn blue() -> Split {
    Split::all(Side::Blue)
}

fn half() -> Split {
    Split::toward(Side::Green, 50)
}

/// Leaves, whatever is open or opens just then: a question, the line for a reason after a rollback.
async fn leave(hands: &Hands) {
    while !hands.is_over() {
        hands.press("\u{1b}").await;
        hands.settled().await;
        hands.press("qy").await;
        hands.settled().await;
        hands.advance(100).await;
    }
}

#[test]
fn r_y_sends_exactly_one_rollback() {
    let (exit, _) = console(half(), async |hands| {
        hands.press("Ry").await;
        hands.until("the order", || !hands.orders().is_empty()).await;
        // Reason: a second one while the first runs, and again when it is done, changes nothing more than it must.
        hands.as_time_goes("the read-back", || hands.paper.screen().contains("ROLLED BACK")).await;
        assert_eq!(hands.orders(), [Move::Rollback]);
        assert_eq!(hands.backend.split(), blue());
        leave(hands).await;
    });
    assert_eq!((exit.code, exit.why, exit.lost), (0, Closing::Quit, false));
}

#[test]
fn the_rollback_is_in_the_journal_before_the_console_ends() {
    let (_, _) = console(half(), async |hands| {
        hands.press("Ry").await;
        hands.until("the order", || !hands.orders().is_empty()).await;
        hands.until("the journal", || std::fs::read_to_string(&hands.journal).unwrap().contains("\"ordered\"")).await;
        leave(hands).await;
    });
}

#[test]
fn t33_holding_r_never_rolls_back() {
    console(half(), async |hands| {
        for _ in 0..150 {
            hands.press("R").await;
            hands.advance(10).await;
        }
        for _ in 0..150 {
            hands.repeat('R').await;
            hands.repeat('y').await;
        }
        hands.settled().await;
        assert_eq!(hands.orders(), [], "no order");
        leave(hands).await;
    });
}

#[test]
fn a_promote_counts_y_only_once_it_is_armed() {
    console(blue(), async |hands| {
        hands.press("P").await;
        hands.shows("PROMOTE step").await;
        hands.settled().await;
        hands.press("y").await;
        hands.advance(390).await;
        hands.press("y").await;
        hands.settled().await;
        assert_eq!(hands.orders(), [], "before 400 ms");
        assert!(hands.paper.screen().contains("PROMOTE step"), "{}", hands.paper.screen());
        hands.advance(20).await;
        hands.press("yyy").await;
        hands.until("the order", || !hands.orders().is_empty()).await;
        hands.settled().await;
        assert_eq!(hands.orders(), [Move::Promote]);
        assert_eq!(hands.backend.split(), Split::toward(Side::Green, 10));
        leave(hands).await;
    });
}

#[test]
fn a_preview_and_a_question_show_the_very_request() {
    console(blue(), async |hands| {
        for (key, title) in [("p", "CLI twin"), ("P", "PROMOTE step")] {
            hands.press(key).await;
            hands.shows(title).await;
            hands.shows("set 90/10  to memory").await;
            hands.press("\u{1b}").await;
            hands.settled().await;
        }
        leave(hands).await;
    });
}

#[test]
fn typed_ahead_of_the_box_is_thrown_away() {
    console(blue(), async |hands| {
        hands.press("Py").await;
        hands.shows("PROMOTE step").await;
        hands.settled().await;
        assert_eq!(hands.orders(), []);
        leave(hands).await;
    });
}

#[test]
fn enter_space_and_the_opener_confirm_nothing() {
    console(blue(), async |hands| {
        for keys in ["P", " ", "\n"] {
            hands.press("P").await;
            hands.shows("PROMOTE step").await;
            hands.settled().await;
            hands.advance(450).await;
            hands.press(keys).await;
            hands.settled().await;
            hands.press("\u{1b}").await;
            hands.settled().await;
        }
        assert_eq!(hands.orders(), []);
        leave(hands).await;
    });
}

#[test]
fn a_switch_wants_the_version_typed() {
    console(blue(), async |hands| {
        hands.press("S").await;
        hands.shows("SWITCH 100% OF PROD").await;
        hands.settled().await;
        hands.advance(450).await;
        hands.press("v1\n").await;
        hands.settled().await;
        assert_eq!(hands.orders(), [], "blue's version is not green's");
        hands.input(Input::Paste("v2\n".into())).await;
        hands.settled().await;
        assert_eq!(hands.orders(), [], "pasted");
        hands.input(Input::Key(cutover::testing::terminal::Key::ctrl('u'))).await;
        hands.press("v2").await;
        hands.settled().await;
        assert_eq!(hands.orders(), [], "without Enter");
        hands.press("\n").await;
        hands.until("the order", || !hands.orders().is_empty()).await;
        assert_eq!(hands.orders(), [Move::Switch]);
        assert_eq!(hands.backend.split(), Split::all(Side::Green));
        leave(hands).await;
    });
}

#[test]
fn h_holds_and_a_y_aborts() {
    console(blue(), async |hands| {
        hands.press("P").await;
        hands.shows("PROMOTE step").await;
        hands.settled().await;
        hands.advance(450).await;
        hands.press("y").await;
        hands.until("the order", || hands.orders() == [Move::Promote]).await;
        hands.as_time_goes("the read-back", || hands.paper.screen().contains("SHIFT")).await;
        hands.press("H").await;
        hands.as_time_goes("the hold", || hands.paper.screen().contains("PAUSED")).await;
        assert_eq!(hands.orders(), [Move::Promote], "holding moves nothing");
        hands.press("Ay").await;
        hands.until("the abort", || hands.orders() == [Move::Promote, Move::Abort]).await;
        assert_eq!(hands.backend.split(), blue());
        leave(hands).await;
    });
}

#[test]
fn a_state_that_moves_closes_the_box_and_sends_nothing() {
    console(blue(), async |hands| {
        hands.press("P").await;
        hands.shows("PROMOTE step").await;
        hands.settled().await;
        hands.advance(450).await;
        hands.backend.meddle(Split::toward(Side::Green, 3));
        hands.as_time_goes("the notice", || hands.paper.screen().contains("STATE CHANGED")).await;
        hands.press("y").await;
        hands.settled().await;
        assert!(!hands.paper.screen().contains("PROMOTE step"), "{}", hands.paper.screen());
        assert_eq!(hands.orders(), []);
        leave(hands).await;
    });
}

#[test]
fn a_state_that_moved_unseen_is_refused_by_the_backend() {
    console(blue(), async |hands| {
        hands.press("P").await;
        hands.shows("PROMOTE step").await;
        hands.settled().await;
        hands.advance(450).await;
        // The split changes and `y` comes before it can be read.
        hands.backend.meddle(Split::toward(Side::Green, 3));
        hands.press("y").await;
        hands.settled().await;
        hands.advance(1500).await;
        assert_eq!(hands.orders(), [], "compare and set");
        leave(hands).await;
    });
}

#[test]
fn t31_losing_the_focus_closes_forward_and_not_back() {
    console(half(), async |hands| {
        hands.press("P").await;
        hands.shows("PROMOTE step").await;
        hands.settled().await;
        hands.advance(450).await;
        hands.input(Input::FocusLost).await;
        hands.press("y").await;
        hands.settled().await;
        assert_eq!(hands.orders(), []);
        hands.press("R").await;
        hands.input(Input::FocusLost).await;
        hands.press("y").await;
        hands.until("the rollback", || hands.orders() == [Move::Rollback]).await;
        leave(hands).await;
    });
}

#[test]
fn t30_pasting_does_nothing() {
    console(half(), async |hands| {
        for text in ["Ry", "Ry\nSv2\n", "R", "y"] {
            hands.input(Input::Paste(text.into())).await;
        }
        hands.press("R").await;
        hands.input(Input::Paste("y".into())).await;
        hands.settled().await;
        hands.input(Input::LooksLikePaste).await;
        hands.settled().await;
        assert_eq!(hands.orders(), []);
        leave(hands).await;
    });
}

#[test]
fn t06_a_backend_that_hangs_never_stops_the_keys() {
    let (exit, _) = console(half(), async |hands| {
        hands.backend.script(Script::Hang);
        hands.press("Ry").await;
        hands.shows("ROLLING BACK").await;
        hands.press("?").await;
        hands.settled().await;
        hands.press("\u{1b}").await;
        hands.settled().await;
        hands.press("q").await;
        hands.shows("LEAVE?").await;
        hands.press("y").await;
    });
    assert_eq!(exit.code, 0);
}

#[test]
fn a_rollback_is_tried_until_the_backend_takes_it() {
    console(half(), async |hands| {
        hands.backend.script(Script::Down);
        hands.press("Ry").await;
        hands.shows("ROLLING BACK").await;
        hands.advance(3_000).await;
        assert_eq!(hands.orders(), []);
        hands.backend.script(Script::Behave);
        hands.as_time_goes("the retry", || !hands.orders().is_empty()).await;
        assert_eq!(hands.backend.split(), blue());
        hands.as_time_goes("the read-back", || hands.paper.screen().contains("ROLLED BACK")).await;
        assert_eq!(hands.orders(), [Move::Rollback], "one act, however often it was sent");
        leave(hands).await;
    });
}

#[test]
fn t01_signals_end_it_with_their_codes() {
    for (signal, code, lost) in [(Signal::Terminate, 143, false), (Signal::HangUp, 129, true)] {
        let (exit, _) = console(half(), async |hands| hands.signals.send(signal).await.unwrap());
        assert_eq!((exit.code, exit.lost), (code, lost));
    }
    let (exit, _) = console(half(), async |hands| hands.input(Input::HangUp).await);
    assert_eq!((exit.code, exit.why, exit.lost), (129, Closing::Other("terminal gone".into()), true));
}

/// Each write is one whole frame.
fn assert_whole_frames(paper: &Paper) {
    for write in paper.writes() {
        let text = String::from_utf8(write).expect("a frame never ends inside a character");
        // A bell goes out behind its frame.
        let frame = text.trim_end_matches('\u{7}');
        assert!(frame.starts_with("\x1b[?2026h") && frame.ends_with("\x1b[?2026l"), "not one frame: {text:?}");
        assert_eq!(text.matches("\x1b[?2026h").count(), 1, "{text:?}");
    }
}

#[test]
fn t21_t22_t23_no_change_writes_nothing_and_a_frame_is_one_write() {
    let (_, paper) = console(half(), async |hands| {
        hands.settled().await;
        let before = hands.paper.writes().len();
        assert!(before >= 1, "drawn");
        // Keys that change nothing, and time in which nothing happens.
        hands.press("\u{1b}\u{1b}").await;
        hands.settled().await;
        assert_eq!(hands.paper.writes().len(), before, "no change, no bytes: {:?}", last(&hands.paper));
        hands.press("?").await;
        hands.settled().await;
        assert_eq!(hands.paper.writes().len(), before + 1, "a key is one frame");
        leave(hands).await;
    });
    assert_whole_frames(&paper);
}

fn last(paper: &Paper) -> String {
    paper.writes().last().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default()
}

#[test]
fn t26_a_terminal_that_takes_nothing_does_not_delay_a_rollback() {
    let (exit, paper) = console(half(), async |hands| {
        hands.settled().await;
        hands.paper.let_through(Some(0));
        hands.press("?").await;
        hands.until("a write that hangs", || hands.paper.is_stuck()).await;
        hands.press("Ry").await;
        hands.until("the order", || !hands.orders().is_empty()).await;
        assert!(hands.paper.is_stuck(), "the terminal has taken nothing");
        assert_eq!(hands.orders(), [Move::Rollback]);
        hands.press("?jk?").await;
        hands.advance(3_000).await;
        assert!(hands.paper.is_stuck());
        leave(hands).await;
    });
    assert_eq!(exit.code, 0);
    assert_whole_frames(&paper);
}

#[test]
fn t26_a_slow_reader_sees_fewer_frames_each_whole() {
    let (_, paper) = console(half(), async |hands| {
        hands.settled().await;
        hands.paper.let_through(Some(0));
        let before = hands.paper.writes().len();
        for _ in 0..20 {
            hands.press("?").await;
            hands.breathe().await;
        }
        hands.until("the keys to be taken", || hands.paper.is_stuck()).await;
        hands.advance(500).await;
        // One frame was on its way; what the terminal takes next shows the state of then.
        hands.press("R").await;
        hands.breathe().await;
        hands.paper.let_through(Some(2));
        hands.shows("ROLL BACK NOW?").await;
        assert_eq!(hands.paper.writes().len(), before + 2, "frames in between were dropped");
        hands.press("y").await;
        hands.until("the order", || !hands.orders().is_empty()).await;
        hands.paper.let_through(None);
        leave(hands).await;
    });
    assert_whole_frames(&paper);
}

/// Frames that were written while a line for the log came every 10 ms for two seconds.
fn frames_in_two_seconds(slow: bool) -> usize {
    let mut frames = 0;
    console_with(half(), ConsoleOptions { slow, ..ConsoleOptions::default() }, async |hands| {
        hands.settled().await;
        let before = hands.paper.writes().len();
        for n in 0..200 {
            hands.log(&format!("line {n}")).await;
            hands.advance(10).await;
            hands.settled_quickly().await;
        }
        frames = hands.paper.writes().len() - before;
        leave(hands).await;
    });
    frames
}

#[test]
fn t25_what_no_key_asked_for_is_drawn_ten_times_a_second_or_two() {
    let fast = frames_in_two_seconds(false);
    assert!((12..=22).contains(&fast), "{fast} frames in two seconds");
    let slow = frames_in_two_seconds(true);
    assert!((3..=6).contains(&slow), "{slow} frames in two seconds over a slow line");
}

#[test]
fn t25_a_key_is_shown_at_once_and_a_burst_of_lines_is_one_frame() {
    console_with(half(), ConsoleOptions { slow: true, ..ConsoleOptions::default() }, async |hands| {
        hands.settled().await;
        let before = hands.paper.writes().len();
        for n in 0..1_000 {
            hands.log(&format!("line {n}")).await;
        }
        hands.settled().await;
        let burst = hands.paper.writes().len() - before;
        assert!(burst <= 1, "{burst} frames for a thousand lines at one moment");
        // The clock stands: what shows now shows because of the key.
        hands.press("?").await;
        hands.shows("HELP").await;
        leave(hands).await;
    });
}

#[test]
fn t32_split_sequences_reach_neither_a_prompt_nor_the_backend() {
    console(half(), async |hands| {
        let mut filters = Filters::default();
        let mut now = std::time::Duration::from_secs(9);
        for wait in [1, 5, 30, 120, 400] {
            for rest in ["[A", "[B", "[H", "[F", "OP", "OQ", "OR", "OS", "[1;2R", "[1;2P", "[1;2S"] {
                for (gap, bytes) in [(1_000, "\x1b"), (wait, rest), (1, "y")] {
                    now += std::time::Duration::from_millis(gap);
                    for input in filters.feed(now, bytes.as_bytes()) {
                        hands.input(input).await;
                    }
                }
                hands.settled().await;
                let screen = hands.paper.screen();
                assert!(!screen.contains("ROLL BACK NOW?") && !screen.contains("y = "), "{rest}:\n{screen}");
            }
        }
        assert_eq!(hands.orders(), []);
        for (gap, bytes) in [(1_000, "\x1b"), (80, "R"), (80, "y")] {
            now += std::time::Duration::from_millis(gap);
            for input in filters.feed(now, bytes.as_bytes()) {
                hands.input(input).await;
            }
        }
        hands.until("the order", || hands.orders() == [Move::Rollback]).await;
        leave(hands).await;
    });
}

#[test]
fn t07_where_no_shell_is_to_go_on_from_it_says_so() {
    console(half(), async |hands| {
        hands.input(Input::Key(cutover::testing::terminal::Key::ctrl('z'))).await;
        hands.shows("no shell is there").await;
        hands.input(Input::Stop).await;
        hands.input(Input::Continued).await;
        hands.settled().await;
        leave(hands).await;
    });
}

#[test]
fn t37_a_copy_goes_to_the_terminal_and_into_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let options = ConsoleOptions { copies: Some(dir.path().join("state")), ..ConsoleOptions::default() };
    console_with(half(), options, async |hands| {
        hands.press("1c").await;
        hands.shows("also in").await;
        let written = hands.paper.writes().concat();
        assert!(String::from_utf8_lossy(&written).contains("\x1b]52;c;"), "sent too");
        let kept = std::fs::read_to_string(dir.path().join("state/clipboard.txt")).unwrap();
        assert!(kept.starts_with("blue v1"), "{kept}");
        leave(hands).await;
    });
}

#[test]
fn t38_a_rollback_rings_once_begun_and_once_verified() {
    let (_, paper) = console(half(), async |hands| {
        hands.settled().await;
        hands.press("Ry").await;
        hands.as_time_goes("the read-back", || hands.paper.screen().contains("ROLLED BACK")).await;
        leave(hands).await;
    });
    let rings = paper.writes().iter().filter(|write| write.ends_with(&[7])).count();
    assert!((1..=2).contains(&rings), "{rings} frames with a bell behind them");
}

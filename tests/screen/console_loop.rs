//! Key scripts through the real loop: the engine, the journal, the pollers and the screen are the real ones, the
//! backend is scripted, and the clock moves when the script says so.

mod rig;

use crate::support::scripted::direct::Script;
use cutover::testing::domain::{Closing, Move, Side, Split};
use cutover::testing::runtime::console::ConsoleOptions;
use cutover::testing::terminal::input::Filters;
use cutover::testing::terminal::{Input, Signal};
use rig::{Controls, Paper, console, console_with};

fn blue() -> Split {
    Split::all(Side::Blue)
}

fn half() -> Split {
    Split::toward(Side::Green, 50)
}

/// Leaves, whatever is open or opens just then: a question, the line for a reason after a rollback.
async fn leave(controls: &Controls) {
    while !controls.is_over() {
        controls.press("\u{1b}").await;
        controls.settled().await;
        controls.press("qy").await;
        controls.settled().await;
        controls.advance(100).await;
    }
}

#[test]
fn r_y_sends_exactly_one_rollback() {
    let (exit, _) = console(half(), async |controls| {
        controls.press("Ry").await;
        controls.until("the order", || !controls.orders().is_empty()).await;
        // Reason: a second one while the first runs, and again when it is done, changes nothing more than it must.
        controls.as_time_goes("the read-back", || controls.paper.screen().contains("ROLLED BACK")).await;
        assert_eq!(controls.orders(), [Move::Rollback]);
        assert_eq!(controls.backend.split(), blue());
        leave(controls).await;
    });
    assert_eq!((exit.code, exit.why, exit.lost), (0, Closing::Quit, false));
}

#[test]
fn the_rollback_is_in_the_journal_before_the_console_ends() {
    let (_, _) = console(half(), async |controls| {
        controls.press("Ry").await;
        controls.until("the order", || !controls.orders().is_empty()).await;
        controls
            .until("the journal", || std::fs::read_to_string(&controls.journal).unwrap().contains("\"ordered\""))
            .await;
        leave(controls).await;
    });
}

#[test]
fn t33_holding_r_never_rolls_back() {
    console(half(), async |controls| {
        for _ in 0..150 {
            controls.press("R").await;
            controls.advance(10).await;
        }
        for _ in 0..150 {
            controls.repeat('R').await;
            controls.repeat('y').await;
        }
        controls.settled().await;
        assert_eq!(controls.orders(), [], "no order");
        leave(controls).await;
    });
}

#[test]
fn a_promote_counts_y_only_once_it_is_armed() {
    console(blue(), async |controls| {
        controls.press("P").await;
        controls.shows("PROMOTE step").await;
        controls.settled().await;
        controls.press("y").await;
        controls.advance(390).await;
        controls.press("y").await;
        controls.settled().await;
        assert_eq!(controls.orders(), [], "before 400 ms");
        assert!(controls.paper.screen().contains("PROMOTE step"), "{}", controls.paper.screen());
        controls.advance(20).await;
        controls.press("yyy").await;
        controls.until("the order", || !controls.orders().is_empty()).await;
        controls.settled().await;
        assert_eq!(controls.orders(), [Move::Promote]);
        assert_eq!(controls.backend.split(), Split::toward(Side::Green, 10));
        leave(controls).await;
    });
}

#[test]
fn a_preview_and_a_question_show_the_very_request() {
    console(blue(), async |controls| {
        for (key, title) in [("p", "CLI twin"), ("P", "PROMOTE step")] {
            controls.press(key).await;
            controls.shows(title).await;
            controls.shows("set 90/10  to memory").await;
            controls.press("\u{1b}").await;
            controls.settled().await;
        }
        leave(controls).await;
    });
}

#[test]
fn typed_ahead_of_the_box_is_thrown_away() {
    console(blue(), async |controls| {
        controls.press("Py").await;
        controls.shows("PROMOTE step").await;
        controls.settled().await;
        assert_eq!(controls.orders(), []);
        leave(controls).await;
    });
}

#[test]
fn enter_space_and_the_opener_confirm_nothing() {
    console(blue(), async |controls| {
        for keys in ["P", " ", "\n"] {
            controls.press("P").await;
            controls.shows("PROMOTE step").await;
            controls.settled().await;
            controls.advance(450).await;
            controls.press(keys).await;
            controls.settled().await;
            controls.press("\u{1b}").await;
            controls.settled().await;
        }
        assert_eq!(controls.orders(), []);
        leave(controls).await;
    });
}

#[test]
fn a_switch_wants_the_version_typed() {
    console(blue(), async |controls| {
        controls.press("S").await;
        controls.shows("SWITCH 100% OF PROD").await;
        controls.settled().await;
        controls.advance(450).await;
        controls.press("v1\n").await;
        controls.settled().await;
        assert_eq!(controls.orders(), [], "blue's version is not green's");
        controls.input(Input::Paste("v2\n".into())).await;
        controls.settled().await;
        assert_eq!(controls.orders(), [], "pasted");
        controls.input(Input::Key(cutover::testing::terminal::Key::ctrl('u'))).await;
        controls.press("v2").await;
        controls.settled().await;
        assert_eq!(controls.orders(), [], "without Enter");
        controls.press("\n").await;
        controls.until("the order", || !controls.orders().is_empty()).await;
        assert_eq!(controls.orders(), [Move::Switch]);
        assert_eq!(controls.backend.split(), Split::all(Side::Green));
        leave(controls).await;
    });
}

#[test]
fn h_holds_and_a_y_aborts() {
    console(blue(), async |controls| {
        controls.press("P").await;
        controls.shows("PROMOTE step").await;
        controls.settled().await;
        controls.advance(450).await;
        controls.press("y").await;
        controls.until("the order", || controls.orders() == [Move::Promote]).await;
        controls.as_time_goes("the read-back", || controls.paper.screen().contains("SHIFT")).await;
        controls.press("H").await;
        controls.as_time_goes("the hold", || controls.paper.screen().contains("PAUSED")).await;
        assert_eq!(controls.orders(), [Move::Promote], "holding moves nothing");
        controls.press("Ay").await;
        controls.until("the abort", || controls.orders() == [Move::Promote, Move::Abort]).await;
        assert_eq!(controls.backend.split(), blue());
        leave(controls).await;
    });
}

#[test]
fn a_state_that_moves_closes_the_box_and_sends_nothing() {
    console(blue(), async |controls| {
        controls.press("P").await;
        controls.shows("PROMOTE step").await;
        controls.settled().await;
        controls.advance(450).await;
        controls.backend.meddle(Split::toward(Side::Green, 3));
        controls.as_time_goes("the notice", || controls.paper.screen().contains("STATE CHANGED")).await;
        controls.press("y").await;
        controls.settled().await;
        assert!(!controls.paper.screen().contains("PROMOTE step"), "{}", controls.paper.screen());
        assert_eq!(controls.orders(), []);
        leave(controls).await;
    });
}

#[test]
fn a_state_that_moved_unseen_is_refused_by_the_backend() {
    console(blue(), async |controls| {
        controls.press("P").await;
        controls.shows("PROMOTE step").await;
        controls.settled().await;
        controls.advance(450).await;
        // The split changes and `y` comes before it can be read.
        controls.backend.meddle(Split::toward(Side::Green, 3));
        controls.press("y").await;
        controls.settled().await;
        controls.advance(1500).await;
        assert_eq!(controls.orders(), [], "compare and set");
        leave(controls).await;
    });
}

#[test]
fn t31_losing_the_focus_closes_forward_and_not_back() {
    console(half(), async |controls| {
        controls.press("P").await;
        controls.shows("PROMOTE step").await;
        controls.settled().await;
        controls.advance(450).await;
        controls.input(Input::FocusLost).await;
        controls.press("y").await;
        controls.settled().await;
        assert_eq!(controls.orders(), []);
        controls.press("R").await;
        controls.input(Input::FocusLost).await;
        controls.press("y").await;
        controls.until("the rollback", || controls.orders() == [Move::Rollback]).await;
        leave(controls).await;
    });
}

#[test]
fn t30_pasting_does_nothing() {
    console(half(), async |controls| {
        for text in ["Ry", "Ry\nSv2\n", "R", "y"] {
            controls.input(Input::Paste(text.into())).await;
        }
        controls.press("R").await;
        controls.input(Input::Paste("y".into())).await;
        controls.settled().await;
        controls.input(Input::LooksLikePaste).await;
        controls.settled().await;
        assert_eq!(controls.orders(), []);
        leave(controls).await;
    });
}

#[test]
fn t06_a_backend_that_hangs_never_stops_the_keys() {
    let (exit, _) = console(half(), async |controls| {
        controls.backend.script(Script::Hang);
        controls.press("Ry").await;
        controls.shows("ROLLING BACK").await;
        controls.press("?").await;
        controls.settled().await;
        controls.press("\u{1b}").await;
        controls.settled().await;
        controls.press("q").await;
        controls.shows("LEAVE?").await;
        controls.press("y").await;
    });
    assert_eq!(exit.code, 0);
}

#[test]
fn a_rollback_is_tried_until_the_backend_takes_it() {
    console(half(), async |controls| {
        controls.backend.script(Script::Down);
        controls.press("Ry").await;
        controls.shows("ROLLING BACK").await;
        controls.advance(3_000).await;
        assert_eq!(controls.orders(), []);
        controls.backend.script(Script::Behave);
        controls.as_time_goes("the retry", || !controls.orders().is_empty()).await;
        assert_eq!(controls.backend.split(), blue());
        controls.as_time_goes("the read-back", || controls.paper.screen().contains("ROLLED BACK")).await;
        assert_eq!(controls.orders(), [Move::Rollback], "one act, however often it was sent");
        leave(controls).await;
    });
}

#[test]
fn t01_signals_end_it_with_their_codes() {
    for (signal, code, lost) in [(Signal::Terminate, 143, false), (Signal::HangUp, 129, true)] {
        let (exit, _) = console(half(), async |controls| controls.signals.send(signal).await.unwrap());
        assert_eq!((exit.code, exit.lost), (code, lost));
    }
    let (exit, _) = console(half(), async |controls| controls.input(Input::HangUp).await);
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
    let (_, paper) = console(half(), async |controls| {
        controls.settled().await;
        let before = controls.paper.writes().len();
        assert!(before >= 1, "drawn");
        // Keys that change nothing, and time in which nothing happens.
        controls.press("\u{1b}\u{1b}").await;
        controls.settled().await;
        assert_eq!(controls.paper.writes().len(), before, "no change, no bytes: {:?}", last(&controls.paper));
        controls.press("?").await;
        controls.settled().await;
        assert_eq!(controls.paper.writes().len(), before + 1, "a key is one frame");
        leave(controls).await;
    });
    assert_whole_frames(&paper);
}

fn last(paper: &Paper) -> String {
    paper.writes().last().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default()
}

#[test]
fn t26_a_terminal_that_takes_nothing_does_not_delay_a_rollback() {
    let (exit, paper) = console(half(), async |controls| {
        controls.settled().await;
        controls.paper.let_through(Some(0));
        controls.press("?").await;
        controls.until("a write that hangs", || controls.paper.is_stuck()).await;
        controls.press("Ry").await;
        controls.until("the order", || !controls.orders().is_empty()).await;
        assert!(controls.paper.is_stuck(), "the terminal has taken nothing");
        assert_eq!(controls.orders(), [Move::Rollback]);
        controls.press("?jk?").await;
        controls.advance(3_000).await;
        assert!(controls.paper.is_stuck());
        leave(controls).await;
    });
    assert_eq!(exit.code, 0);
    assert_whole_frames(&paper);
}

#[test]
fn t26_a_slow_reader_sees_fewer_frames_each_whole() {
    let (_, paper) = console(half(), async |controls| {
        controls.settled().await;
        controls.paper.let_through(Some(0));
        let before = controls.paper.writes().len();
        for _ in 0..20 {
            controls.press("?").await;
            controls.breathe().await;
        }
        controls.until("the keys to be taken", || controls.paper.is_stuck()).await;
        controls.advance(500).await;
        // One frame was on its way; what the terminal takes next shows the state of then.
        controls.press("R").await;
        controls.breathe().await;
        controls.paper.let_through(Some(2));
        controls.shows("ROLL BACK NOW?").await;
        assert_eq!(controls.paper.writes().len(), before + 2, "frames in between were dropped");
        controls.press("y").await;
        controls.until("the order", || !controls.orders().is_empty()).await;
        controls.paper.let_through(None);
        leave(controls).await;
    });
    assert_whole_frames(&paper);
}

/// Frames that were written while a line for the log came every 10 ms for two seconds.
fn frames_in_two_seconds(slow: bool) -> usize {
    let mut frames = 0;
    console_with(half(), ConsoleOptions { slow, ..ConsoleOptions::default() }, async |controls| {
        controls.settled().await;
        let before = controls.paper.writes().len();
        for n in 0..200 {
            controls.log(&format!("line {n}")).await;
            controls.advance(10).await;
            controls.settled_quickly().await;
        }
        frames = controls.paper.writes().len() - before;
        leave(controls).await;
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
    console_with(half(), ConsoleOptions { slow: true, ..ConsoleOptions::default() }, async |controls| {
        controls.settled().await;
        let before = controls.paper.writes().len();
        for n in 0..1_000 {
            controls.log(&format!("line {n}")).await;
        }
        controls.settled().await;
        let burst = controls.paper.writes().len() - before;
        assert!(burst <= 1, "{burst} frames for a thousand lines at one moment");
        // The clock stands: what shows now shows because of the key.
        controls.press("?").await;
        controls.shows("HELP").await;
        leave(controls).await;
    });
}

#[test]
fn t32_split_sequences_reach_neither_a_prompt_nor_the_backend() {
    console(half(), async |controls| {
        let mut filters = Filters::default();
        let mut now = std::time::Duration::from_secs(9);
        for wait in [1, 5, 30, 120, 400] {
            for rest in ["[A", "[B", "[H", "[F", "OP", "OQ", "OR", "OS", "[1;2R", "[1;2P", "[1;2S"] {
                for (gap, bytes) in [(1_000, "\x1b"), (wait, rest), (1, "y")] {
                    now += std::time::Duration::from_millis(gap);
                    for input in filters.feed(now, bytes.as_bytes()) {
                        controls.input(input).await;
                    }
                }
                controls.settled().await;
                let screen = controls.paper.screen();
                assert!(!screen.contains("ROLL BACK NOW?") && !screen.contains("y = "), "{rest}:\n{screen}");
            }
        }
        assert_eq!(controls.orders(), []);
        for (gap, bytes) in [(1_000, "\x1b"), (80, "R"), (80, "y")] {
            now += std::time::Duration::from_millis(gap);
            for input in filters.feed(now, bytes.as_bytes()) {
                controls.input(input).await;
            }
        }
        controls.until("the order", || controls.orders() == [Move::Rollback]).await;
        leave(controls).await;
    });
}

#[test]
fn t07_where_no_shell_is_to_go_on_from_it_says_so() {
    console(half(), async |controls| {
        controls.input(Input::Key(cutover::testing::terminal::Key::ctrl('z'))).await;
        controls.shows("no shell is there").await;
        controls.input(Input::Stop).await;
        controls.input(Input::Continued).await;
        controls.settled().await;
        leave(controls).await;
    });
}

#[test]
fn t37_a_copy_goes_to_the_terminal_and_into_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let options = ConsoleOptions { copies: Some(dir.path().join("state")), ..ConsoleOptions::default() };
    console_with(half(), options, async |controls| {
        controls.press("1c").await;
        controls.shows("also in").await;
        let written = controls.paper.writes().concat();
        assert!(String::from_utf8_lossy(&written).contains("\x1b]52;c;"), "sent too");
        let kept = std::fs::read_to_string(dir.path().join("state/clipboard.txt")).unwrap();
        assert!(kept.starts_with("blue v1"), "{kept}");
        leave(controls).await;
    });
}

#[test]
fn t38_a_rollback_rings_once_begun_and_once_verified() {
    let (_, paper) = console(half(), async |controls| {
        controls.settled().await;
        controls.press("Ry").await;
        controls.as_time_goes("the read-back", || controls.paper.screen().contains("ROLLED BACK")).await;
        leave(controls).await;
    });
    let rings = paper.writes().iter().filter(|write| write.ends_with(&[7])).count();
    assert!((1..=2).contains(&rings), "{rings} frames with a bell behind them");
}

//! Key scripts through the real loop: the engine, the journal, the pollers and the screen are the real ones, the
//! backend is scripted, and the clock moves when the script says so.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

#[path = "console_loop/rig.rs"]
mod rig;

use cutover::backend::scripted::Script;
use cutover::domain::{Move, Side, Split};
use cutover::terminal::{Input, Signal};
use rig::{Hands, Paper, console};

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
    assert_eq!((exit.code, exit.why.as_str(), exit.lost), (0, "quit", false));
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
fn holding_r_never_rolls_back() {
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
        hands.input(Input::Key(cutover::terminal::Key::ctrl('u'))).await;
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
fn losing_the_focus_closes_forward_and_not_back() {
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
fn pasting_does_nothing() {
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
fn a_backend_that_hangs_never_stops_the_keys() {
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
fn signals_end_it_with_their_codes() {
    for (signal, code, lost) in [(Signal::Terminate, 143, false), (Signal::HangUp, 129, true)] {
        let (exit, _) = console(half(), async |hands| hands.signals.send(signal).await.unwrap());
        assert_eq!((exit.code, exit.lost), (code, lost));
    }
    let (exit, _) = console(half(), async |hands| hands.input(Input::HangUp).await);
    assert_eq!((exit.code, exit.why.as_str(), exit.lost), (129, "terminal gone", true));
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
fn no_change_writes_nothing_and_a_frame_is_one_write() {
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
fn a_terminal_that_takes_nothing_does_not_delay_a_rollback() {
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
fn a_slow_reader_sees_fewer_frames_each_whole() {
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

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use ratatui::style::Style;

use super::*;

/// Sends every write to the test, and first waits for the test's permission if asked to.
struct Tap {
    writes: SyncSender<Vec<u8>>,
    leave: Option<Receiver<io::Result<()>>>,
}

impl Write for Tap {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(leave) = &self.leave {
            leave.recv().unwrap_or(Ok(()))?;
        }
        self.writes.send(bytes.to_vec()).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const OPTIONS: ScreenOptions = ScreenOptions {
    synchronized: true,
    depth: Depth::Rgb,
    unicode: true,
    title: true,
    tmux: false,
    notices: Notices::Osc9,
};
const LONG: Duration = Duration::from_secs(20);

fn screen(size: (u16, u16), options: ScreenOptions) -> (Screen, Receiver<Vec<u8>>) {
    let (writes, written) = sync_channel(64);
    (Screen::new(size, options, Tap { writes, leave: None }, || {}).unwrap(), written)
}

/// A screen whose writes wait for the test: (screen, written bytes, permission to write, the hang-up).
#[expect(clippy::type_complexity, reason = "four ends of channels, taken apart at once")]
fn slow(size: (u16, u16)) -> (Screen, Receiver<Vec<u8>>, SyncSender<io::Result<()>>, Receiver<()>) {
    let (writes, written) = sync_channel(64);
    let (permit, leave) = sync_channel(64);
    let (gone, hung_up) = sync_channel(1);
    let out = Tap { writes, leave: Some(leave) };
    (Screen::new(size, OPTIONS, out, move || gone.send(()).unwrap()).unwrap(), written, permit, hung_up)
}

fn say(text: &str) -> impl FnOnce(&mut Buffer) -> Option<(u16, u16)> {
    move |buf| {
        buf.set_string(0, 0, text, Style::new());
        None
    }
}

/// Waits for the screen's thread, as the console's loop does.
fn wait_written(screen: &Screen) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        while !screen.is_idle() {
            tokio::time::timeout(LONG, screen.written()).await.expect("the frame is written");
        }
    });
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn t21_t22_a_frame_is_one_write_between_its_marks() {
    let (mut screen, written) = screen((200, 50), OPTIONS);
    let outcome = screen.draw(|buf| {
        for y in 0..50 {
            buf.set_string(0, y, "lorem ipsum ".repeat(16), Style::new().fg(ratatui::style::Color::Indexed(y as u8)));
        }
        None
    });
    let frame = written.recv_timeout(LONG).unwrap();
    wait_written(&screen);
    assert!(written.try_recv().is_err(), "one write");
    assert_eq!(outcome, DrawOutcome::Sent(frame.len()));
    assert!(frame.starts_with(b"\x1b[?2026h") && frame.ends_with(b"\x1b[?2026l"));
    assert_eq!(text_of(&frame).matches("2026").count(), 2);
}

#[test]
fn t21_the_marks_can_be_left_out() {
    let (mut screen, written) = screen((20, 2), ScreenOptions { synchronized: false, ..OPTIONS });
    screen.draw(say("x"));
    assert!(!text_of(&written.recv_timeout(LONG).unwrap()).contains("2026"));
}

#[test]
fn t23_no_change_no_byte() {
    let (mut screen, written) = screen((80, 24), OPTIONS);
    assert!(matches!(screen.draw(say("hello")), DrawOutcome::Sent(_)));
    written.recv_timeout(LONG).unwrap();
    wait_written(&screen);
    for _ in 0..3 {
        assert_eq!(screen.draw(say("hello")), DrawOutcome::Unchanged);
    }
    assert!(screen.is_idle() && written.try_recv().is_err());
    screen.draw(say("hellO"));
    assert_eq!(text_of(&written.recv_timeout(LONG).unwrap()), "\x1b[?2026h\x1b[1;5HO\x1b[?2026l");
}

#[test]
fn a_cursor_that_moves_is_a_change_and_one_that_stays_is_none() {
    let (mut screen, written) = screen((80, 24), ScreenOptions { synchronized: false, ..OPTIONS });
    let mut at = |cursor| {
        let outcome = screen.draw(|_| cursor);
        let bytes = matches!(outcome, DrawOutcome::Sent(_)).then(|| text_of(&written.recv_timeout(LONG).unwrap()));
        wait_written(&screen);
        bytes
    };
    assert_eq!(at(Some((2, 3))).unwrap(), "\x1b[0m\x1b[2J\x1b[?25l\x1b[4;3H\x1b[?25h");
    assert_eq!(at(Some((2, 3))), None);
    assert_eq!(at(Some((900, 900))).unwrap(), "\x1b[24;80H\x1b[?25h");
    assert_eq!(at(None).unwrap(), "\x1b[?25l");
    assert_eq!(at(None), None);
}

#[test]
fn t26_while_a_frame_is_on_its_way_none_is_drawn_and_none_is_queued() {
    let (mut screen, written, permit, _hung_up) = slow((80, 24));
    assert!(matches!(screen.draw(say("one")), DrawOutcome::Sent(_)));
    for text in ["two", "three", "four"] {
        let mut called = false;
        let outcome = screen.draw(|buf| {
            called = true;
            say(text)(buf)
        });
        assert_eq!((outcome, called), (DrawOutcome::Busy, false));
    }
    assert!(!screen.is_idle());
    permit.send(Ok(())).unwrap();
    assert!(text_of(&written.recv_timeout(LONG).unwrap()).contains("one"));
    wait_written(&screen);
    assert!(matches!(screen.draw(say("five")), DrawOutcome::Sent(_)));
    permit.send(Ok(())).unwrap();
    let frame = text_of(&written.recv_timeout(LONG).unwrap());
    assert!(frame.contains("\x1b[1;1Hfiv"), "the difference to the last frame sent: {frame:?}");
}

#[test]
fn t10_a_failed_write_is_a_hang_up_told_once() {
    for kind in [io::ErrorKind::BrokenPipe, io::ErrorKind::Other] {
        let (mut screen, _written, permit, hung_up) = slow((80, 24));
        screen.draw(say("one"));
        permit.send(Err(kind.into())).unwrap();
        hung_up.recv_timeout(LONG).unwrap();
        assert!(screen.is_hung_up());
        assert_eq!(screen.draw(say("two")), DrawOutcome::HungUp);
        assert!(hung_up.recv().is_err(), "the thread is gone");
    }
}

#[test]
fn t08_a_resize_clears_and_paints_whole() {
    let (mut screen, written) = screen((10, 3), OPTIONS);
    screen.draw(say("hello"));
    written.recv_timeout(LONG).unwrap();
    wait_written(&screen);
    for (size, want) in [((4, 1), "hell"), ((0, 0), "h"), ((10, 3), "hello")] {
        screen.resize(size.0, size.1);
        screen.draw(say("hello"));
        let frame = text_of(&written.recv_timeout(LONG).unwrap());
        wait_written(&screen);
        assert_eq!(frame, format!("\x1b[?2026h\x1b[0m\x1b[2J\x1b[?25l\x1b[1;1H{want}\x1b[?2026l"));
    }
    screen.invalidate();
    assert!(matches!(screen.draw(say("hello")), DrawOutcome::Sent(_)));
}

#[test]
fn t28_the_title_goes_with_a_frame_when_it_changed() {
    let (mut screen, written) = screen((10, 3), OPTIONS);
    screen.set_title("PROD\u{7} \u{1b}]0;x\u{7}90/10");
    screen.draw(say("a"));
    assert!(text_of(&written.recv_timeout(LONG).unwrap()).contains("\x1b]2;PROD 90/10\x07"));
    wait_written(&screen);
    screen.set_title("PROD 90/10");
    assert_eq!(screen.draw(say("a")), DrawOutcome::Unchanged);
}

#[test]
fn t28_without_the_option_no_title_is_set() {
    let (mut screen, written) = screen((10, 3), ScreenOptions { title: false, ..OPTIONS });
    screen.set_title("PROD 90/10");
    screen.draw(say("a"));
    assert!(!text_of(&written.recv_timeout(LONG).unwrap()).contains("\x1b]"));
}

#[test]
fn t21_a_paint_that_panics_opens_no_frame() {
    let (mut screen, written) = screen((10, 3), OPTIONS);
    let died = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        screen.draw(|buf| {
            buf.set_string(0, 0, "half", Style::new());
            panic!("in the middle of a frame")
        })
    }));
    assert!(died.is_err() && screen.is_idle());
    screen.draw(say("whole"));
    let frame = text_of(&written.recv_timeout(LONG).unwrap());
    assert!(frame.contains("whole") && frame.matches("2026h").count() == 1 && frame.ends_with("2026l"), "{frame:?}");
}

#[test]
fn t37_t38_copies_and_notices_go_with_a_frame_and_are_bounded() {
    let (mut screen, written, permit, _hung_up) = slow((80, 24));
    screen.draw(say("one"));
    assert!(screen.copy("hi"));
    let long = "x".repeat(COPY_MAX / 4 * 3);
    assert!(screen.copy(&long) && !screen.copy(&long), "one that long a frame");
    for _ in 0..100_000 {
        screen.notify("gate golden FAIL");
    }
    for _ in 0..2 {
        permit.send(Ok(())).unwrap();
    }
    written.recv_timeout(LONG).unwrap();
    wait_written(&screen);
    assert!(matches!(screen.draw(say("one")), DrawOutcome::Sent(n) if n < EXTRA_MAX + 100), "no cell changed");
    let frame = text_of(&written.recv_timeout(LONG).unwrap());
    let (cells, extra) = frame.split_at(frame.find("\x1b]52").unwrap());
    assert_eq!(cells, "\x1b[?2026h\x1b[?2026l", "outside of the marks");
    assert!(extra.contains("\x1b]9;gate golden FAIL\x1b\\\x07"), "{}", &extra[extra.len() - 80..]);
    wait_written(&screen);
    assert_eq!(screen.draw(say("one")), DrawOutcome::Unchanged, "told once");
}

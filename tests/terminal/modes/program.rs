//! The small console that the tests run in a pty.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use cutover::testing::terminal::guard::Step;
use cutover::testing::terminal::{
    Code, Depth, DrawOutcome, Guard, Input, Key, Modes, Notices, Options, ScreenOptions, Session, Signals, crash,
};
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Style};

/// The exit code of a program whose terminal went away.
const HANG_UP: u8 = 129;

/// Runs it in the given mode and ends the process with its exit code.
pub fn run(mode: &str) -> ! {
    crash::note("rollout", "digits SHIFT step 1/3");
    crash::note("rollout", "digits SHIFT step 2/3");
    (0..30).for_each(|n| crash::last_event(&format_args!("event {n}")));
    crash::install(std::env::var_os("CRASH_DIR").map(PathBuf::from)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let code = match runtime.block_on(console(mode)) {
        Ok(code) => code,
        Err(e) => {
            let _ = writeln!(io::stderr(), "error: {e}");
            1
        }
    };
    drop(runtime);
    end(code)
}

#[expect(clippy::disallowed_methods, reason = "the test harness around it would end with a code of its own")]
fn end(code: u8) -> ! {
    std::process::exit(i32::from(code))
}

struct Console {
    session: Session,
    lines: Vec<String>,
    frame: u32,
    busy: bool,
    tell: Option<UnixStream>,
    /// Draws refused since the last one that was not.
    refused: u32,
}

fn session(mode: &str) -> io::Result<Session> {
    let options = Options {
        modes: Modes { kitty: mode == "kitty", ..Modes::default() },
        screen: ScreenOptions {
            synchronized: true,
            depth: Depth::Indexed256,
            unicode: true,
            title: true,
            tmux: false,
            notices: Notices::Bell,
        },
    };
    if mode == "broken pipe" {
        let (reader, writer) = io::pipe()?;
        drop(reader);
        return Session::over(Guard::take(options.modes)?, options, writer);
    }
    Session::start(options)
}

async fn console(mode: &str) -> io::Result<u8> {
    if let Some(step) = mode.strip_prefix("panic after ") {
        let _guard = Guard::take_observed(Modes::default(), |now: Step| {
            assert_ne!(format!("{now:?}"), step, "boom after {step}");
        })?;
        return Ok(0);
    }
    let mut signals = if mode == "no signals" { None } else { Some(Signals::listen()?) };
    let tell = std::env::var_os("TELL").map(UnixStream::connect).transpose()?;
    let session = session(mode)?;
    let mut console =
        Console { session, lines: vec!["READY".into()], frame: 0, busy: mode == "busy", tell, refused: 0 };
    let mut tick = tokio::time::interval(Duration::from_millis(2));
    let mut dirty = true;
    loop {
        if dirty {
            dirty = console.draw() == DrawOutcome::Busy;
        }
        let signal = async {
            match &mut signals {
                Some(signals) => signals.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            signal = signal => return Ok(signal.exit_code()),
            input = console.session.inputs.recv() => {
                dirty = true;
                if let Some(code) = console.handle(input.unwrap_or(Input::HangUp))? {
                    // As the console does: what is gone cannot be given back, and that is no fault of ours.
                    let restored = console.session.finish();
                    return if code == HANG_UP { Ok(code) } else { restored.map(|()| code) };
                }
            }
            () = console.session.screen.written(), if dirty => {}
            _ = tick.tick(), if console.busy => {
                console.frame += 1;
                dirty = true;
            }
        }
    }
}

impl Console {
    fn tell(&mut self, what: &str) {
        if let Some(tell) = &mut self.tell {
            let _ = writeln!(tell, "{what}");
        }
    }

    fn stop(&mut self) {
        if let Err(e) = self.session.stop() {
            self.lines.push(e.to_string());
        }
    }

    fn handle(&mut self, input: Input) -> io::Result<Option<u8>> {
        match input {
            Input::HangUp => return Ok(Some(HANG_UP)),
            Input::Resize(width, height) => {
                self.session.screen.resize(width, height);
                self.lines.push(format!("size {width}x{height}"));
            }
            Input::Key(Key { code: Code::Char(c), .. }) => {
                self.lines.push(format!("Char({c:?})"));
                self.tell(&c.to_string());
                match c {
                    'q' => return Ok(Some(0)),
                    'e' => return Err(io::Error::other("an error on purpose")),
                    'p' => panic!("boom in the loop"),
                    't' => drop(tokio::spawn(async { panic!("boom in a task") })),
                    'T' => drop(std::thread::spawn(|| panic!("boom in a thread"))),
                    'x' => self.busy = false,
                    's' => {
                        self.session.suspend()?;
                        self.session.resume()?;
                        self.lines.push("resumed".into());
                    }
                    'Z' => self.stop(),
                    _ => {}
                }
            }
            Input::Key(key) => self.lines.push(format!("{:?}", key.code)),
            Input::Stop => self.stop(),
            // As the console does: a terminal that hangs up lets the process go on too, and cannot be taken again.
            Input::Continued => {
                if self.session.continued().is_ok() {
                    let (width, height) = self.session.screen.size();
                    self.lines.push(format!("back at {width}x{height}"));
                }
            }
            other => self.lines.push(format!("{other:?}")),
        }
        Ok(None)
    }

    fn draw(&mut self) -> DrawOutcome {
        let (lines, frame) = (&self.lines, self.frame);
        let state = if self.busy { "" } else { "still" };
        let outcome = self.session.screen.draw(|buf| {
            if frame > 0 {
                flood(buf, frame, state);
            } else {
                list(buf, lines);
            }
            None
        });
        self.refused = if outcome == DrawOutcome::Busy { self.refused + 1 } else { 0 };
        if self.refused == 100 {
            self.tell("stuck");
        }
        outcome
    }
}

/// `READY`, the newest lines and a mark in the last corner.
fn list(buf: &mut Buffer, lines: &[String]) {
    let room = usize::from(buf.area.height).saturating_sub(1);
    let newest = (lines.len() + 1).saturating_sub(room).max(1);
    for (y, line) in lines[..1].iter().chain(&lines[newest.min(lines.len())..]).enumerate().take(room.max(1)) {
        buf.set_string(0, y as u16, line, Style::new());
    }
    let (x, y) = (buf.area.width - 1, buf.area.height - 1);
    buf.set_string(x, y, "#", Style::new().fg(Color::Green));
}

/// Every cell different from the frame before.
fn flood(buf: &mut Buffer, frame: u32, state: &str) {
    for y in 0..buf.area.height {
        let line = format!("{frame}.{state}").repeat(100);
        buf.set_string(0, y, line, Style::new().fg(Color::Indexed((frame + u32::from(y)) as u8)));
    }
}

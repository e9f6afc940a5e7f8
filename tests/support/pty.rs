//! A program in a real pseudo-terminal, its screen read back through a VT parser.
//!
//! ```ignore
//! let mut pty = PtyCommand::new(env!("CARGO_BIN_EXE_cutover")).args(["demo"]).size(80, 24).spawn();
//! pty.wait_for("the header", |screen| screen.contents().contains("PROD"));
//! pty.send(b"q");
//! assert_eq!(pty.wait_end(), Ended::Code(0));
//! pty.assert_restored();
//! ```
//!
//! Nothing here sleeps: every wait is a poll on the pty and on the process, with a deadline ([`DEADLINE`], generous
//! because the machine may be busy), after which the test fails and shows the screen. The harness reads only while it
//! waits, so a test that does not call a waiting method *is* a terminal that takes nothing.
//!
//! The child starts with an empty environment but for `TERM`, `LANG`, `PATH`, `HOME` and what the test gives. It is a
//! session leader with the pty as its controlling terminal, so closing the pty sends it SIGHUP. It is killed, by its own
//! id, when the harness is dropped.

use std::ffi::{OsStr, OsString};
use std::io::{ErrorKind, Read, Write};
use std::num::NonZeroU16;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::Child;
use std::time::{Duration, Instant};

use pty_process::blocking::{Command, Pts, Pty as Master, open};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

pub use rustix::process::Signal;

/// How long a wait may last before the test fails.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this exit code.
    Code(i32),
    /// Killed by the signal of this number.
    Signal(i32),
}

/// A command to run in a pty.
pub struct PtyCommand {
    program: OsString,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    size: (u16, u16),
    ignore_hang_up: bool,
}

impl PtyCommand {
    /// Runs `program` at 80x24 with `TERM=xterm-256color` and `LANG=C.UTF-8`.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let mut env: Vec<(OsString, OsString)> =
            vec![("TERM".into(), "xterm-256color".into()), ("LANG".into(), "C.UTF-8".into())];
        env.extend(["PATH", "HOME"].into_iter().filter_map(|name| Some((name.into(), std::env::var_os(name)?))));
        Self { program: program.as_ref().into(), args: Vec::new(), env, size: (80, 24), ignore_hang_up: false }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets a variable; the last word counts.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().into(), value.as_ref().into()));
        self
    }

    /// Sets the size, columns first.
    #[must_use]
    pub fn size(mut self, columns: u16, rows: u16) -> Self {
        self.size = (columns, rows);
        self
    }

    /// Starts the child with SIGHUP ignored, as `nohup` does.
    #[must_use]
    pub fn ignore_hang_up(mut self) -> Self {
        self.ignore_hang_up = true;
        self
    }

    /// Starts the child as the job of a shell, which says `STOPPED` when the job stops, takes it up again at the next line
    /// typed, and says `ENDED` and its exit code.
    #[must_use]
    pub fn under_a_shell(mut self) -> Self {
        let script = r#"set -m; "$0" "$@"; echo "STOPPED"; read go; fg; echo "ENDED $?""#;
        let program = std::mem::replace(&mut self.program, "/bin/sh".into());
        self.args.splice(0..0, ["-c".into(), script.into(), program]);
        self
    }

    /// Starts it.
    pub fn spawn(self) -> Pty {
        let (master, pts) = open().expect("a pty");
        master.resize(pty_process::Size::new(self.size.1, self.size.0)).unwrap();
        let before = termios(&pts);
        let mut command = if self.ignore_hang_up {
            // A test may not set a signal's disposition itself (that needs unsafe code); the shell's is inherited.
            Command::new("/bin/sh").args(["-c", r#"trap "" HUP; exec "$0" "$@""#]).arg(&self.program)
        } else {
            // The tests may run under `nohup`, and a child inherits that.
            Command::new("/usr/bin/env").arg("--default-signal=HUP").arg(&self.program)
        };
        command = command.env_clear().args(&self.args);
        for (name, value) in &self.env {
            command = command.env(name, value);
        }
        let child = command.spawn_borrowed(&pts).expect("the program starts");
        let pidfd = pidfd_open(pid(&child), PidfdFlags::empty()).expect("a pidfd");
        let (columns, rows) = (cells(self.size.0), cells(self.size.1));
        let parser = vt100::Parser::new(rows, columns, 0);
        Pty { master: Some(master), pts, before, child, pidfd, parser, raw: Vec::new(), ended: None }
    }
}

/// A running (or ended) program and its terminal.
pub struct Pty {
    master: Option<Master>,
    pts: Pts,
    before: String,
    child: Child,
    pidfd: OwnedFd,
    parser: vt100::Parser,
    raw: Vec<u8>,
    ended: Option<Ended>,
}

impl Pty {
    /// Types `bytes`.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.master.as_mut().expect("the terminal is there").write_all(bytes.as_ref()).unwrap();
    }

    /// Changes the size, columns first; the program gets SIGWINCH.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.parser.screen_mut().set_size(cells(rows), cells(columns));
        let master = self.master.as_ref().expect("the terminal is there");
        master.resize(pty_process::Size::new(rows, columns)).unwrap();
    }

    /// Takes the terminal away: the line drops. What was not read is lost.
    pub fn hang_up(&mut self) {
        self.master = None;
    }

    /// Sends a signal to the program.
    pub fn signal(&self, signal: Signal) {
        rustix::process::kill_process(pid(&self.child), signal).unwrap();
    }

    /// The program's process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Milliseconds of processor the program has used, by the kernel's count (it goes in steps of ten); also after its
    /// end, as long as it was not waited for.
    pub fn cpu_ms(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id())).expect("the process is there");
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        // utime and stime, fields 14 and 15, in the ticks that Linux shows to programs: 100 a second.
        fields.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap() * 10).sum()
    }

    /// Waits for the program's end without reading a byte and without taking its exit code, so that [`Pty::cpu_ms`] still
    /// counts.
    pub fn wait_dead(&self) {
        let end = Instant::now() + DEADLINE;
        let mut fds = [PollFd::new(&self.pidfd, PollFlags::IN)];
        while !fds[0].revents().contains(PollFlags::IN) {
            assert!(Instant::now() < end, "the program does not end");
            wait(&mut fds, end);
        }
    }

    /// The processes the program has started and not yet waited for.
    pub fn children(&self) -> Vec<u32> {
        let id = self.id();
        let text = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        text.split_whitespace().map(|id| id.parse().unwrap()).collect()
    }

    /// Sends a signal to one of [`Pty::children`].
    pub fn signal_child(&self, child: u32, signal: Signal) {
        assert!(self.children().contains(&child), "{child} is no child of ours");
        rustix::process::kill_process(Pid::from_raw(child.cast_signed()).unwrap(), signal).unwrap();
    }

    /// The screen as far as it was read.
    pub fn screen(&self) -> &vt100::Screen {
        self.parser.screen()
    }

    /// Every byte the program wrote, as far as it was read.
    pub fn raw_output(&self) -> &[u8] {
        &self.raw
    }

    /// Every byte the program wrote as text, damaged UTF-8 marked.
    pub fn raw_text(&self) -> String {
        String::from_utf8_lossy(&self.raw).into_owned()
    }

    /// Reads until `condition` holds for the screen; fails, showing the screen, after [`DEADLINE`] or when the program
    /// ended without. `what` names the condition in that failure.
    pub fn wait_for(&mut self, what: &str, mut condition: impl FnMut(&vt100::Screen) -> bool) {
        self.wait_until(what, |pty| condition(pty.screen()));
    }

    /// Reads until `text` is on the screen.
    pub fn wait_for_text(&mut self, text: &str) {
        self.wait_for(text, |screen| screen.contents().contains(text));
    }

    /// Reads until `condition` holds for the bytes the program wrote.
    pub fn wait_for_raw(&mut self, what: &str, mut condition: impl FnMut(&[u8]) -> bool) {
        self.wait_until(what, |pty| condition(pty.raw_output()));
    }

    /// Types `bytes` again every half second until `condition` holds for the screen: for a key that may rightly be dropped.
    pub fn send_until(&mut self, bytes: &str, what: &str, condition: impl Fn(&vt100::Screen) -> bool) {
        let end = Instant::now() + DEADLINE;
        while !condition(self.screen()) {
            assert!(Instant::now() < end, "typed in vain for {what}; screen:\n{}", self.screen().contents());
            self.send(bytes);
            let again = Instant::now() + Duration::from_millis(500);
            while Instant::now() < again && !condition(self.screen()) {
                self.pump(again);
            }
        }
    }

    fn wait_until(&mut self, what: &str, mut condition: impl FnMut(&Self) -> bool) {
        let end = Instant::now() + DEADLINE;
        while !condition(self) {
            let alive = self.ended.is_none();
            assert!(
                self.pump(end) || (alive && Instant::now() < end),
                "waited in vain for {what}; ended: {:?}; screen:\n{}\nlast bytes: {:?}",
                self.ended,
                self.screen().contents(),
                String::from_utf8_lossy(&self.raw[self.raw.len().saturating_sub(400)..])
            );
        }
    }

    /// Reads until the program ends, and all it left in the pty.
    pub fn wait_end(&mut self) -> Ended {
        let end = Instant::now() + DEADLINE;
        while self.ended.is_none() {
            self.pump(end);
            assert!(Instant::now() < end, "the program does not end; screen:\n{}", self.screen().contents());
        }
        while self.pump(Instant::now()) {}
        self.ended.unwrap()
    }

    /// Waits for the program's end without reading a byte: a terminal that takes nothing more.
    pub fn wait_end_unread(&mut self) -> Ended {
        let end = Instant::now() + DEADLINE;
        while self.ended.is_none() {
            let mut fds = [PollFd::new(&self.pidfd, PollFlags::IN)];
            wait(&mut fds, end);
            self.reap();
            assert!(Instant::now() < end, "the program does not end");
        }
        self.ended.unwrap()
    }

    /// Waits until `end` for bytes or the program's end and takes what came; false when there was nothing.
    fn pump(&mut self, end: Instant) -> bool {
        let (readable, over) = {
            let mut fds = vec![PollFd::new(&self.pidfd, PollFlags::IN)];
            if let Some(master) = &self.master {
                fds.push(PollFd::new(master, PollFlags::IN));
            }
            // An ended program's pidfd is always ready: then only what is left in the pty counts.
            if self.ended.is_some() {
                fds.swap_remove(0);
            }
            wait(&mut fds, if self.ended.is_some() { Instant::now() } else { end });
            let ready = |fd: Option<&PollFd<'_>>| fd.is_some_and(|fd| fd.revents().contains(PollFlags::IN));
            if self.ended.is_some() { (ready(fds.first()), false) } else { (ready(fds.get(1)), ready(fds.first())) }
        };
        if readable {
            self.read();
        } else if over {
            self.reap();
        }
        readable || over
    }

    fn read(&mut self) {
        let mut buffer = [0_u8; 4096];
        match self.master.as_mut().unwrap().read(&mut buffer) {
            Ok(n) => {
                self.parser.process(&buffer[..n]);
                self.raw.extend_from_slice(&buffer[..n]);
            }
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => panic!("reading the pty: {e}"),
        }
    }

    fn reap(&mut self) {
        if let Some(status) = self.child.try_wait().unwrap() {
            self.ended = Some(match (status.code(), status.signal()) {
                (Some(code), _) => Ended::Code(code),
                (None, signal) => Ended::Signal(signal.unwrap_or(0)),
            });
        }
    }

    /// Whether the terminal's line settings are now those from before the program started.
    pub fn termios_as_before(&self) -> bool {
        termios(&self.pts) == self.before
    }

    /// Fails unless a program that took the whole screen gave all of it back, and once.
    pub fn assert_restored(&self) {
        assert!(self.termios_as_before(), "termios\nbefore {}\nafter  {}", self.before, termios(&self.pts));
        let screen = self.screen();
        assert!(!screen.alternate_screen(), "alternate screen left");
        assert!(!screen.hide_cursor(), "cursor shown");
        assert!(!screen.bracketed_paste(), "bracketed paste off");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None, "mouse off");
        assert_eq!(screen.attributes_formatted(), vt100::Parser::default().screen().attributes_formatted(), "SGR 0");
        let raw = self.raw_text();
        let left = "\x1b[?1049l";
        // Modes are set again, without being left, after a stop that nobody announced.
        assert!(raw.matches(left).count() <= raw.matches("\x1b[?1049h").count(), "left no more often than entered");
        let at = raw.rfind(left).expect("the alternate screen was left");
        let (body, tail) = raw.split_at(at);
        for (on, off) in
            [("\x1b[?2004h", "\x1b[?2004l"), ("\x1b[?1004h", "\x1b[?1004l"), ("\x1b[?2026h", "\x1b[?2026l")]
        {
            assert!(body.rfind(off) > body.rfind(on), "{off:?} after the last {on:?}");
        }
        assert!(body.rfind("\x1b[0m") > body.rfind("\x1b[?2026l"), "SGR 0 last");
        assert_eq!(raw.contains("\x1b[>1u"), raw.contains("\x1b[<u"), "kitty flags popped only if pushed");
        assert_eq!(raw.matches("\x1b[22;0t").count(), raw.matches("\x1b[23;0t").count(), "title back");
        for enter in ["\x1b[?1049h", "\x1b[?25l", "\x1b[?2026h", "\x1b[2J"] {
            assert!(!tail.contains(enter), "{enter:?} after the screen was left");
        }
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        if self.ended.is_none() {
            // Both fail only for a process that is gone.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn pid(child: &Child) -> Pid {
    Pid::from_child(child)
}

fn cells(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n.max(1)).unwrap()
}

/// All line settings as text; rustix gives no equality.
fn termios(fd: impl AsFd) -> String {
    format!("{:?}", rustix::termios::tcgetattr(fd).expect("a terminal"))
}

fn wait(fds: &mut [PollFd<'_>], end: Instant) {
    let left = end.saturating_duration_since(Instant::now());
    let left = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) };
    match poll(fds, Some(&left)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(e) => panic!("poll: {e}"),
    }
}

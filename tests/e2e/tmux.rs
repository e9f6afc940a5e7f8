//! The console inside tmux, which is how it is mostly used over SSH: keys, splits of sequences, other sizes, copies.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::console::has;
use crate::support::pty::{Ended, PtyCommand};
use crate::support::stage::{BIN, Stage, eventually, run};

/// A tmux server of its own with one window, in which the console runs; killed with it.
struct Tmux {
    socket: PathBuf,
}

impl Tmux {
    /// `None`, saying so, when tmux is not there.
    fn start(stage: &Stage, size: (u16, u16)) -> Option<Self> {
        if Command::new("tmux").arg("-V").output().is_err() {
            println!("SKIPPED tmux: it is not installed (apt-get install tmux)");
            return None;
        }
        let config = stage.dir().join("tmux.conf");
        let settings = "set -g default-terminal tmux-256color\nset -g allow-passthrough on\nset -g focus-events on\n\
            set -g set-clipboard on\nset -g remain-on-exit on\nset -g window-size latest\nset -s escape-time 5\n";
        std::fs::write(&config, settings).unwrap();
        let tmux = Self { socket: stage.dir().join("tmux.sock") };
        let mut command = tmux.command();
        command.arg("-f").arg(&config).args([
            "new-session",
            "-d",
            "-x",
            &size.0.to_string(),
            "-y",
            &size.1.to_string(),
        ]);
        command.arg(BIN).arg("-c").arg(&stage.config).env_clear();
        for (name, value) in [("HOME", stage.dir().as_os_str()), ("USER", "op1".as_ref()), ("LANG", "C.UTF-8".as_ref())]
        {
            command.env(name, value);
        }
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("TERM", "xterm-256color");
        run(&mut command).ends(0);
        eventually("both versions in tmux", || {
            let screen = tmux.screen();
            screen.contains("BLUE v1") && screen.contains("GREEN v2") && screen.contains("1/1")
        });
        Some(tmux)
    }

    fn command(&self) -> Command {
        let mut command = Command::new("tmux");
        command.arg("-S").arg(&self.socket).env_remove("TMUX");
        command
    }

    fn ask(&self, args: &[&str]) -> String {
        run(self.command().args(args)).ends(0).out
    }

    fn screen(&self) -> String {
        self.ask(&["capture-pane", "-p"])
    }

    /// Sends bytes as they are, in one piece.
    fn send(&self, bytes: &str) {
        let hex: Vec<String> = bytes.bytes().map(|byte| format!("{byte:02x}")).collect();
        let mut args = vec!["send-keys", "-H"];
        args.extend(hex.iter().map(String::as_str));
        self.ask(&args);
    }

    fn shows(&self, what: &str) {
        eventually(&format!("{what} in tmux"), || self.screen().contains(what));
    }

    /// The terminal of somebody who attaches.
    fn attach(&self, columns: u16, rows: u16) -> PtyCommand {
        PtyCommand::new("tmux").args(["-S".as_ref(), self.socket.as_os_str(), "attach".as_ref()]).size(columns, rows)
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let _ = self.command().arg("kill-server").output();
    }
}

/// Does `act` again every while until `seen`.
fn insist(what: &str, act: impl Fn(), seen: impl Fn() -> bool) {
    let mut last: Option<Instant> = None;
    eventually(what, || {
        if last.is_none_or(|at| at.elapsed() > Duration::from_millis(700)) {
            last = Some(Instant::now());
            act();
        }
        seen()
    });
}

#[test]
fn t55_keys_in_tmux_do_what_they_do_elsewhere() {
    let stage = Stage::new();
    stage.meddle(40);
    let Some(tmux) = Tmux::start(&stage, (80, 24)) else { return };
    // Split sequences open nothing and move nothing.
    for rest in ["[A", "[H", "OR", "OS", "[1;2R"] {
        tmux.send("\x1b");
        tmux.send(rest);
        tmux.send("y");
    }
    tmux.send("?");
    tmux.shows("HELP");
    tmux.send("\x1b");
    eventually("help to close", || !tmux.screen().contains("HELP"));
    tmux.send("\x1b[200~Ry\nSv42\n\x1b[201~");
    tmux.send("\x1b[?99$y\x1b]11;rgb:RyRy/0/0\x07");
    assert_eq!(stage.share(), Some(40), "{}", tmux.screen());
    assert!(!tmux.screen().contains("ROLL BACK NOW?"), "{}", tmux.screen());
    // The pause after which a bracket would be a key again is over by the time tmux has answered; the way back is not.
    tmux.send("\x1b");
    tmux.send("R");
    tmux.shows("ROLL BACK NOW?");
    tmux.send("y");
    stage.wait_share(0);
    tmux.shows("WHY was it rolled back");
    tmux.send("\x1b");
    eventually("the line to close", || !tmux.screen().contains("WHY was it rolled back"));
    tmux.shows("ROLLED BACK");
    // A key that a multiplexer drops while it is busy is pressed again, as anybody would.
    // tmux does not always come by the status of a program whose terminal closed first; it is then empty.
    let dead = || {
        let told = tmux.ask(&["list-panes", "-F", "#{pane_dead} #{pane_dead_status}"]);
        matches!(told.trim_end_matches('\n'), "1 0" | "1 ")
    };
    insist("the end", || tmux.send("q"), dead);
    assert_eq!(tmux.ask(&["display-message", "-p", "#{alternate_on}"]), "0\n", "the shell's screen is back");
}

#[test]
fn t56_attached_from_another_size_it_is_painted_right() {
    let stage = Stage::new();
    let Some(tmux) = Tmux::start(&stage, (80, 24)) else { return };
    for (columns, rows) in [(120, 36), (70, 21), (100, 31)] {
        let mut pty = tmux.attach(columns, rows).spawn();
        // tmux keeps the last row for itself.
        let bottom = usize::from(rows) - 3;
        pty.wait_for("the console in the new size", |screen| {
            let lines: Vec<String> = screen.rows(0, columns).collect();
            lines[0].contains("TEST") && lines[0].contains("op1") && lines[bottom].contains("ROLLBACK")
        });
        let right = pty.screen().rows(0, columns).next().unwrap_or_default();
        assert!(right.trim_end().chars().count() + 6 >= usize::from(columns), "to the right edge: {right:?}");
        assert!(has(pty.screen(), "GREEN v2"));
        // What is typed while tmux still greets the terminal may be lost: pressed again until it is seen.
        pty.send_until("?", "help", |screen| has(screen, "HELP"));
        pty.send("\x1b");
        pty.wait_for("help to close", |screen| !has(screen, "HELP"));
        // Detached by its own key, as a line that drops would do it; the console goes on.
        pty.send("\x02d");
        assert_eq!(pty.wait_end(), Ended::Code(0));
    }
    tmux.shows("ROLLBACK");
}

#[test]
fn t37_t55_a_copy_goes_through_tmux_to_the_terminal_around_it() {
    let stage = Stage::new();
    let Some(tmux) = Tmux::start(&stage, (80, 24)) else { return };
    let mut pty = tmux.attach(90, 30).spawn();
    pty.wait_for("the console", |screen| has(screen, "GREEN v2"));
    let told = |screen: &vt100::Screen| screen.contents().contains("copied blue");
    // What is typed while tmux still greets the terminal may be lost.
    pty.send_until("1c", "the copy", told);
    pty.wait_for_raw("the copy", |raw| String::from_utf8_lossy(raw).contains("\x1b]52;c;Ymx1ZSB2"));
}

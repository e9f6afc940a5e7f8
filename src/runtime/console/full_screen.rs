//! The console on the real terminal.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::{ConsoleOptions, ConsoleSource, ConsoleTerminal, Exit, Inputs, after_loss, run};
use crate::domain::{Actor, LogLine, LogSource, Service};
use crate::engine::Access;
use crate::logs::Followers;
use crate::runtime::Systems;
use crate::runtime::core::Core;
use crate::runtime::replay::Replay;
use crate::runtime::themes;
use crate::terminal::{self, Capability, Notices, Screen, Session, Signal, Signals};
use crate::ui::{self, Glyphs, Keymap, Theme, View};

/// Everything the full-screen console needs besides the service and its traffic system.
pub(crate) struct Setup {
    /// The operator.
    pub me: Actor,
    /// What this process may do.
    pub access: Access,
    /// What the terminal can show.
    pub capability: Capability,
    /// The theme. Colours are reduced to what the terminal can show.
    pub theme: Theme,
    /// The active keys.
    pub keymap: Arc<Keymap>,
    /// The names of a demo's scenarios, and where the chosen name is sent.
    pub scenarios: Option<(Vec<String>, mpsc::Sender<String>)>,
    /// Log lines of a demo; a closed channel when there is no demo.
    pub story: mpsc::Receiver<LogLine>,
    /// The user's own logs to follow.
    pub logs: Vec<LogSource>,
    /// How it treats the terminal.
    pub options: ConsoleOptions,
}

/// Runs the console on the terminal until the operator leaves. Returns the exit code.
///
/// # Errors
/// When the journal cannot be read or the terminal cannot be taken, in words.
pub(crate) async fn full_screen(service: Service, systems: Systems, setup: Setup) -> Result<u8, String> {
    let core = Core::open(&Arc::new(service), &systems, setup.me.clone(), setup.access)?;
    let (mut core, exit, restored) = show(core, setup).await?;
    if exit.lost {
        after_loss(&mut core, &exit).await;
    }
    core.close(exit.why.clone()).await;
    code_of(&exit, restored)
}

/// Plays a recording on the terminal until the operator leaves. Returns the exit code.
///
/// # Errors
/// When the terminal cannot be taken, in words.
pub(crate) async fn replay(recording: Replay, setup: Setup) -> Result<u8, String> {
    let (_, exit, restored) = show(recording, setup).await?;
    code_of(&exit, restored)
}

fn code_of(exit: &Exit, restored: std::io::Result<()>) -> Result<u8, String> {
    match restored {
        Err(error) if !exit.lost => Err(format!("the terminal could not be given back: {error}")),
        _ => Ok(exit.code),
    }
}

/// Runs the console. Returns the source, why the operator left, and whether the terminal could be restored.
async fn show<C: ConsoleSource>(mut core: C, setup: Setup) -> Result<(C, Exit, std::io::Result<()>), String> {
    let Setup { me, capability, theme, keymap, scenarios, story, logs, options, .. } = setup;
    let signals = listen()?;
    let (names, scenario_sink) = scenarios.map_or((Vec::new(), None), |(names, sink)| (names, Some(sink)));
    let mut view = View::new(ui::Options {
        theme: theme.for_depth(depth(capability)),
        glyphs: if capability.unicode { Glyphs::Unicode } else { Glyphs::Ascii },
        me,
        scenarios: names,
    })
    .with_keymap(keymap);
    let names = themes::theme_names(themes::themes_dir().as_deref());
    drop(view.update(ui::Input::Themes(names), 0));
    let session = Session::start(session_options(capability, &options));
    let mut session = session.map_err(|error| format!("the terminal cannot be used: {error}"))?;
    let (_, nothing) = mpsc::channel(1);
    let keys = std::mem::replace(&mut session.inputs, nothing);
    let mut stage = Tty { session };
    let logs = Followers::start(&logs);
    let inputs = Inputs { keys, signals, scenarios: scenario_sink, story, logs, options };
    let exit = run(&mut core, &mut view, &mut stage, inputs).await;
    // Reason: the operator gets the terminal back before anything that may be slow.
    let restored = stage.session.finish();
    Ok((core, exit, restored))
}

/// Signals as a channel, so that a test can send them too.
fn listen() -> Result<mpsc::Receiver<Signal>, String> {
    let mut signals = Signals::listen().map_err(|error| format!("signals cannot be handled: {error}"))?;
    let (to, from) = mpsc::channel(4);
    tokio::spawn(async move {
        loop {
            let signal = signals.next().await;
            if to.send(signal).await.is_err() {
                return;
            }
        }
    });
    Ok(from)
}

fn depth(capability: Capability) -> ui::Depth {
    match capability.depth {
        terminal::Depth::None => ui::Depth::None,
        terminal::Depth::Ansi16 => ui::Depth::Ansi16,
        terminal::Depth::Indexed256 => ui::Depth::Indexed256,
        terminal::Depth::Rgb => ui::Depth::Rgb,
    }
}

fn session_options(capability: Capability, console: &ConsoleOptions) -> terminal::Options {
    let mut options = terminal::Options::for_terminal(capability);
    options.modes.title = console.title;
    options.screen.title = console.title;
    if !console.notices {
        options.screen.notices = Notices::Off;
    }
    options
}

struct Tty {
    session: Session,
}

impl ConsoleTerminal for Tty {
    fn screen(&mut self) -> &mut Screen {
        &mut self.session.screen
    }

    fn stop(&mut self) -> std::io::Result<()> {
        self.session.stop()
    }

    fn continued(&mut self) -> std::io::Result<()> {
        self.session.continued()
    }
}

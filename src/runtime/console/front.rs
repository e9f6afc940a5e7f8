//! The console on the real terminal.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::{Inputs, Manners, Stage, after_loss, run};
use crate::backend::TrafficBackend;
use crate::domain::{LogLine, LogSource, Service};
use crate::logs::Followers;
use crate::runtime::core::{Core, Options};
use crate::runtime::looks;
use crate::terminal::{self, Capability, Notices, Screen, Session, Signal, Signals};
use crate::ui::{self, Glyphs, Keymap, Theme, View};

/// How the console looks and what it is for.
pub struct Front {
    /// How this process takes part.
    pub options: Options,
    /// What the terminal can show.
    pub capability: Capability,
    /// The theme; colours are reduced to what the terminal can show.
    pub theme: Theme,
    /// The keys in force.
    pub keymap: Arc<Keymap>,
    /// Scenarios a demo knows, and where a chosen one goes.
    pub scenarios: Option<(Vec<String>, mpsc::Sender<String>)>,
    /// Lines of a demo's own story; a closed channel elsewhere.
    pub story: mpsc::Receiver<LogLine>,
    /// Logs of the user's to be followed.
    pub logs: Vec<LogSource>,
    /// How it treats the terminal.
    pub manners: Manners,
}

/// Runs the console on the terminal until it is left; the exit code.
///
/// # Errors
/// When the journal cannot be read or the terminal cannot be taken, in words.
pub async fn full_screen(service: Service, backend: Arc<dyn TrafficBackend>, front: Front) -> Result<u8, String> {
    let Front { options, capability, theme, keymap, scenarios, story, logs, manners } = front;
    let signals = listen()?;
    let me = options.me.clone();
    let mut core = Core::open(&Arc::new(service), &backend, options)?;
    let (names, scenario_sink) = scenarios.map_or((Vec::new(), None), |(names, sink)| (names, Some(sink)));
    let mut view = View::new(ui::Options {
        theme: theme.for_depth(depth(capability)),
        glyphs: if capability.unicode { Glyphs::Unicode } else { Glyphs::Ascii },
        me,
        scenarios: names,
    })
    .with_keymap(keymap);
    let themes = looks::theme_names(looks::themes_dir().as_deref());
    drop(view.update(ui::Input::Themes(themes), 0));
    let session = Session::start(session_options(capability, &manners));
    let mut session = session.map_err(|error| format!("the terminal cannot be used: {error}"))?;
    let (_, nothing) = mpsc::channel(1);
    let keys = std::mem::replace(&mut session.inputs, nothing);
    let mut stage = Tty { session };
    let logs = Followers::start(&logs);
    let inputs = Inputs { keys, signals, scenarios: scenario_sink, story, logs, manners };
    let exit = run(&mut core, &mut view, &mut stage, inputs).await;
    // Reason: the person gets the terminal back before anything that may take its time.
    let restored = stage.session.finish();
    if exit.lost {
        after_loss(&mut core, &exit).await;
    }
    core.close(&exit.why).await;
    match restored {
        Err(error) if !exit.lost => Err(format!("the terminal could not be given back: {error}")),
        _ => Ok(exit.code),
    }
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

fn session_options(capability: Capability, manners: &Manners) -> terminal::Options {
    let mut options = terminal::Options::for_terminal(capability);
    options.modes.title = manners.title;
    options.screen.title = manners.title;
    if !manners.notices {
        options.screen.notices = Notices::Off;
    }
    options
}

struct Tty {
    session: Session,
}

impl Stage for Tty {
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

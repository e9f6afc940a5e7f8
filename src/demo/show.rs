//! `cutover demo`: the process tree with the console on top, or played through in lines.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::scenario::Scenario;
use super::tree::Tree;
use crate::domain::{Actor, LogLevel, LogLine};
use crate::runtime::console::Manners;
use crate::runtime::console::front::{Front, full_screen};
use crate::runtime::{Options, connect};
use crate::terminal::Capability;
use crate::ui::Theme;

/// How the demo is shown.
pub struct Show {
    /// What happens.
    pub scenario: Scenario,
    /// Client requests a second.
    pub rps: u32,
    /// Who sits at the keyboard.
    pub me: Actor,
    /// How it treats the terminal.
    pub manners: Manners,
}

/// Runs the demo on the full screen until it is left; the exit code.
///
/// # Errors
/// When a process does not start or the terminal cannot be taken, in words.
pub async fn on_screen(show: Show, dir: Option<&Path>, capability: Capability, theme: Theme) -> Result<u8, String> {
    let tree = Tree::start(dir, show.scenario, show.rps).await?;
    let (lines, story) = mpsc::channel(64);
    let (chosen, mut choices) = mpsc::channel::<String>(4);
    let names = Scenario::ALL.iter().map(|scenario| scenario.name().to_owned()).collect();
    let options =
        Options { me: show.me, read_only: false, looks_only: false, probes: true, drives: true, watches: false };
    let front = Front { options, capability, theme, scenarios: Some((names, chosen)), story, manners: show.manners };
    let service = tree.config().service.clone();
    let backend = connect(tree.config());
    let tree = Arc::new(tokio::sync::Mutex::new(tree));
    let director = {
        let tree = Arc::clone(&tree);
        let backend = Arc::clone(&backend);
        tokio::spawn(async move {
            let mut stage = Director { scenario: show.scenario, struck: false, backend };
            stage.tell(&lines, &format!("{}: {}", show.scenario, show.scenario.description())).await;
            let dir = tree.lock().await.dir().display().to_string();
            stage.tell(&lines, &format!("config, journal and logs are in {dir}")).await;
            let mut ticks = tokio::time::interval(std::time::Duration::from_millis(500));
            loop {
                tokio::select! {
                    choice = choices.recv() => match choice {
                        Some(name) => stage.choose(&name, &tree, &lines).await,
                        None => return,
                    },
                    _ = ticks.tick() => stage.strike_when_due(&tree, &lines).await,
                }
            }
        })
    };
    let code = full_screen(service, backend, front).await;
    director.abort();
    let _ = director.await;
    if let Some(tree) = Arc::into_inner(tree) {
        tree.into_inner().stop().await;
    }
    code
}

/// Makes happen what the scenario says.
struct Director {
    scenario: Scenario,
    struck: bool,
    backend: Arc<dyn crate::backend::TrafficBackend>,
}

impl Director {
    async fn choose(&mut self, name: &str, tree: &tokio::sync::Mutex<Tree>, lines: &mpsc::Sender<LogLine>) {
        match name.parse::<Scenario>() {
            Ok(scenario) => {
                self.scenario = scenario;
                self.struck = false;
                tree.lock().await.choose(scenario).await;
                self.tell(lines, &format!("{scenario}: {}", scenario.description())).await;
            }
            Err(error) => self.tell(lines, &error).await,
        }
    }

    /// What happens only once green has all traffic.
    async fn strike_when_due(&mut self, tree: &tokio::sync::Mutex<Tree>, lines: &mpsc::Sender<LogLine>) {
        let Some((side, mode)) = self.scenario.when_green_is_live().filter(|_| !self.struck) else { return };
        let seen = self.backend.observer().observe().await;
        if seen.is_ok_and(|seen| seen.split.share(side) == 0) {
            self.struck = true;
            tree.lock().await.behave(side, mode).await;
            self.tell(lines, &format!("{side}'s server is now {mode}")).await;
        }
    }

    async fn tell(&self, lines: &mpsc::Sender<LogLine>, text: &str) {
        let line = LogLine { at: chrono::Utc::now(), level: LogLevel::Info, source: "demo".into(), text: text.into() };
        let _ = lines.send(line).await;
    }
}

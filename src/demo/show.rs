//! `cutover demo`: the process tree with a console on top.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::scenario::{Scenario, ScenarioRun};
use super::tree::Tree;
use crate::backend::TrafficBackend;
use crate::domain::{LogLevel, LogLine, Service, Side};
use crate::runtime::Systems;

/// How long green's share is shown before the scenario acts.
const SEEN: Duration = Duration::from_secs(1);

/// What to run.
pub(crate) struct DemoOptions {
    /// The scenario.
    pub scenario: Scenario,
    /// Client requests a second.
    pub rps: u32,
}

/// What a console needs to show the demo.
pub(crate) struct DemoParts {
    /// The service of the demo.
    pub service: Service,
    /// Its traffic system and checks.
    pub systems: Systems,
    /// The names of the scenarios, and where the chosen name is sent.
    pub scenarios: (Vec<String>, mpsc::Sender<String>),
    /// Log lines of the demo.
    pub story: mpsc::Receiver<LogLine>,
}

/// Runs the demo around a console until the operator leaves; returns the console's result.
///
/// # Errors
/// A process does not start, in words.
pub(crate) async fn run_around<T>(
    show: DemoOptions,
    dir: Option<&Path>,
    console: impl AsyncFnOnce(DemoParts) -> T,
) -> Result<T, String> {
    let tree = Tree::start(dir, show.scenario, show.rps).await?;
    let (lines, story) = mpsc::channel(64);
    let (chosen, mut choices) = mpsc::channel::<String>(4);
    let names = Scenario::all().iter().map(ToString::to_string).collect();
    let service = tree.config().service.clone();
    let systems = Systems::of(tree.config());
    let tree = Arc::new(tokio::sync::Mutex::new(tree));
    let director = {
        let tree = Arc::clone(&tree);
        let backend = Arc::clone(&systems.backend);
        tokio::spawn(async move {
            let mut stage = Director { run: ScenarioRun::new(show.scenario, SEEN), backend };
            stage.tell(&lines, &format!("{}: {}", show.scenario, show.scenario.description())).await;
            let dir = tree.lock().await.dir().display().to_string();
            stage.tell(&lines, &format!("config, journal and logs are in {dir}")).await;
            let mut ticks = tokio::time::interval(Duration::from_millis(500));
            loop {
                tokio::select! {
                    choice = choices.recv() => match choice {
                        Some(name) => stage.choose(&name, &tree, &lines).await,
                        None => return,
                    },
                    _ = ticks.tick() => stage.turn(&tree, &lines).await,
                }
            }
        })
    };
    let result = console(DemoParts { service, systems, scenarios: (names, chosen), story }).await;
    director.abort();
    let _ = director.await;
    if let Some(tree) = Arc::into_inner(tree) {
        tree.into_inner().stop().await;
    }
    Ok(result)
}

/// Carries out the scenario.
struct Director {
    run: ScenarioRun,
    backend: Arc<dyn TrafficBackend>,
}

impl Director {
    async fn choose(&mut self, name: &str, tree: &tokio::sync::Mutex<Tree>, lines: &mpsc::Sender<LogLine>) {
        match name.parse::<Scenario>() {
            Ok(scenario) => {
                self.run = ScenarioRun::new(scenario, SEEN);
                tree.lock().await.choose(scenario).await;
                self.tell(lines, &format!("{scenario}: {}", scenario.description())).await;
            }
            Err(error) => self.tell(lines, &error).await,
        }
    }

    /// Acts when green has its share.
    async fn turn(&mut self, tree: &tokio::sync::Mutex<Tree>, lines: &mpsc::Sender<LogLine>) {
        if self.run.scenario.late_fault().is_none() {
            return;
        }
        let Ok(seen) = self.backend.observer().observe().await else { return };
        if let Some((side, mode)) = self.run.turn(seen.split.share(Side::Green), Instant::now()) {
            tree.lock().await.behave(side, mode).await;
            self.tell(lines, &format!("{side}'s server is now {mode}")).await;
        }
    }

    async fn tell(&self, lines: &mpsc::Sender<LogLine>, text: &str) {
        let line = LogLine { at: chrono::Utc::now(), level: LogLevel::Info, source: "demo".into(), text: text.into() };
        let _ = lines.send(line).await;
    }
}

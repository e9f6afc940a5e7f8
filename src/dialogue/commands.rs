//! The properties of each command: how it is asked for, and what it will do in words.

use crate::domain::{OnFailure, Side, Split};
use crate::engine::Command;
use crate::engine::snapshot::Status;

/// What a question is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Topic {
    /// Send this command?
    Command(Command),
    /// Leave while an order is in flight?
    Leave,
}

impl From<Command> for Topic {
    fn from(command: Command) -> Self {
        Self::Command(command)
    }
}

/// How much confirmation a command needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// None: it is sent at once.
    None,
    /// A yes that counts at once.
    Light,
    /// The whole effect is shown, the answer counts only after it could be read, and the question closes when the
    /// terminal loses the focus.
    Heavy,
}

/// How something is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terms {
    /// Its name in messages.
    pub name: &'static str,
    /// The key that opens its question on the screen; the question ignores it.
    pub key: char,
    /// How much confirmation it needs.
    pub weight: Weight,
    /// Whether a change of the state digest makes the consent void.
    pub bound: bool,
}

impl Terms {
    const fn of(name: &'static str, key: char, weight: Weight, bound: bool) -> Self {
        Self { name, key, weight, bound }
    }
}

impl Topic {
    /// How it is asked for.
    pub(crate) const fn terms(&self) -> Terms {
        use Weight::{Heavy, Light};
        let command = match self {
            Self::Leave => return Terms::of("quit", 'q', Light, false),
            Self::Command(command) => command,
        };
        match command {
            // Reason: "all traffic back" means the same in every state, so a change does not make this consent void.
            Command::Rollback => Terms::of(command.verb(), 'R', Light, false),
            Command::Abort => Terms::of(command.verb(), 'A', Light, true),
            Command::Promote => Terms::of(command.verb(), 'P', Heavy, true),
            Command::Switch => Terms::of(command.verb(), 'S', Heavy, true),
            Command::Override { .. } => Terms::of(command.verb(), 'O', Heavy, true),
            Command::Resume => Terms::of(command.verb(), 'H', Heavy, true),
            Command::TakeOver => Terms::of(command.verb(), 'W', Heavy, false),
            Command::Approve { .. } | Command::Finalize | Command::Retry => Terms::of(command.verb(), ':', Heavy, true),
            Command::Auto { on: true } => Terms::of("auto on", ':', Heavy, true),
            Command::Pause => Terms::of("hold", 'H', Weight::None, false),
            Command::Auto { on: false } | Command::RunGates { .. } | Command::Note { .. } => {
                Terms::of(command.verb(), ':', Weight::None, false)
            }
        }
    }

    /// Its name in messages.
    pub(crate) const fn name(&self) -> &'static str {
        self.terms().name
    }
}

/// The commands that are a single word, with a description.
pub(crate) const WORDS: [(&str, Command, &str); 9] = [
    ("promote", Command::Promote, "one step forward in the plan; asks for yes"),
    ("switch", Command::Switch, "all traffic to the candidate at once; asks for its version"),
    ("abort", Command::Abort, "give the rollout up: back to the live side; asks for yes"),
    ("rollback", Command::Rollback, "all traffic back, now; asks for yes"),
    ("pause", Command::Pause, "stop the plan where it is; asks nothing"),
    ("resume", Command::Resume, "go on with the plan; asks for yes"),
    ("retry", Command::Retry, "let a controller begin again after it gave up; asks for yes"),
    ("finalize", Command::Finalize, "end the rollback window; asks for yes"),
    ("takeover", Command::TakeOver, "drive instead of another console; asks for yes"),
];

/// The command for this single word.
pub(crate) fn command_of(word: &str) -> Option<Command> {
    let word = if word == "hold" { "pause" } else { word };
    WORDS.into_iter().find(|(known, ..)| *known == word).map(|(_, command, _)| command)
}

/// A state, and a function that shortens its version names for a front end.
#[derive(Clone, Copy)]
pub(crate) struct Words<'a> {
    status: &'a Status,
    cut: &'a dyn Fn(&str) -> String,
}

impl<'a> Words<'a> {
    /// Texts about `status`, with version names shortened by `cut`.
    pub(crate) fn new(status: &'a Status, cut: &'a dyn Fn(&str) -> String) -> Self {
        Self { status, cut }
    }

    /// Texts about `status` with full names.
    pub(crate) fn whole(status: &'a Status) -> Self {
        Self { status, cut: &str::to_owned }
    }

    /// A side and its version: `GREEN v42`, or `GREEN ?` if it is unknown.
    pub(crate) fn named(&self, side: Side) -> String {
        format!("{} {}", side.title(), self.version(side))
    }

    fn version(&self, side: Side) -> String {
        (self.cut)(self.status.sides[side].version.as_ref().map_or("?", |version| version.name.as_str()))
    }

    /// `PROMOTE step 1 > 2   GREEN 10% > 50%`, `OVERRIDE GATE golden`.
    pub(crate) fn title(&self, command: &Command) -> String {
        let (status, side) = (self.status, self.status.candidate);
        match command {
            Command::Promote => {
                let next = status.step.next.map_or_else(|| "?".into(), |next| next.to_string());
                let (step, then) = (status.step.index, status.step.index + 1);
                format!("PROMOTE step {step} > {then}   {} {}% > {next}%", side.title(), self.share(side))
            }
            Command::Switch => {
                let environment = status.environment.to_uppercase();
                let of = if environment.is_empty() { String::new() } else { format!("OF {environment} ") };
                format!("SWITCH 100% {of}TRAFFIC TO {}", self.named(side))
            }
            Command::Abort => "ABORT THE ROLLOUT?".into(),
            Command::Rollback => "ROLL BACK NOW?".into(),
            Command::Pause => "PAUSE THE PLAN".into(),
            Command::Resume => "RESUME THE PLAN".into(),
            Command::Override { gate, .. } => format!("OVERRIDE GATE {}", (self.cut)(gate)),
            Command::Approve { gate, .. } => format!("SIGN FOR GATE {}", (self.cut)(gate)),
            Command::Auto { on: true } => "WALK THE PLAN UNATTENDED".into(),
            other => other.verb().to_uppercase(),
        }
    }

    /// What `command` will do, one clause per line.
    pub(crate) fn effect(&self, command: &Command) -> Vec<String> {
        let (status, side) = (self.status, self.status.candidate);
        match command {
            Command::Promote | Command::Switch => {
                let moved = target(command, status).map(|split| self.moves(split));
                vec![moved.unwrap_or_else(|| "no step is left".into())]
            }
            Command::Abort => {
                let (now, to) = (self.share(side), side.other());
                let moved = format!("{} {now}% > 0%, all to {}", side.title(), self.named(to));
                vec![moved, "the rollout is given up".into()]
            }
            Command::Rollback => vec![self.way_back()],
            Command::Pause => vec!["the plan stays where it is; no traffic moves".into()],
            Command::Resume => self.resume(),
            Command::Override { gate, reason } | Command::Approve { gate, reason } => {
                let may = if matches!(command, Command::Approve { .. }) { "is signed" } else { "may pass" };
                let because = (!reason.is_empty()).then(|| format!("reason: {reason}"));
                std::iter::once(format!("gate {gate} {may} {}", self.scope())).chain(because).collect()
            }
            Command::Retry => {
                vec![format!("the controller begins its steps again: {} gets traffic by them", self.named(side))]
            }
            Command::Finalize => {
                let end = format!("the rollback window ends now; {} may be let go", status.rollback.to.title());
                vec![end, "after this there is no quick way back".into()]
            }
            Command::Auto { on: true } => vec![self.steps(), format!("when it fails, {}", on_failure(status))],
            Command::Auto { on: false } => vec!["each step waits for a person again".into()],
            Command::TakeOver => {
                vec![format!("{} drives; the other console can still roll back, and no more", status.driver.me)]
            }
            Command::RunGates { .. } | Command::Note { .. } => vec![command.verb().into()],
        }
    }

    /// `for green v42 only, until its version changes`.
    pub(crate) fn scope(&self) -> String {
        let side = self.status.candidate;
        format!("for {side} {} only, until its version changes", self.version(side))
    }

    /// The steps of a plan that runs without confirmation.
    pub(crate) fn steps(&self) -> String {
        let step = &self.status.step;
        let left: Vec<String> = step.steps.iter().skip(step.index).map(|share| format!("{share}%")).collect();
        if left.is_empty() {
            return "no step is left".into();
        }
        format!("{} taken without asking, each once gates pass and the bake is over", left.join(", "))
    }

    /// What a rollback would do: `100% to BLUE v41, ~4s, green kept up`.
    pub(crate) fn way_back(&self) -> String {
        let way = &self.status.rollback;
        let to = self.named(way.to);
        if !way.needed {
            return format!("{to} takes all traffic already: nothing would move");
        }
        // Reason: a rollback is always possible, but an operator must know when nothing answers there.
        let target = &self.status.sides[way.to];
        if target.ready == Some(0) {
            return format!("100% to {to}: 0/{} ANSWER THERE NOW", target.replicas);
        }
        if let Some(used) = target.at_router.filter(|used| used.ready == 0) {
            return format!("100% to {to}: THE ROUTER USES 0/{} THERE NOW", used.total);
        }
        let time = way.last_took_s.map_or_else(String::new, |s| format!(", ~{}", about(s)));
        format!("100% to {to}{time}, {} kept up", way.to.other())
    }

    fn resume(&self) -> Vec<String> {
        let split = &self.status.split;
        if split.drift {
            let text = |split: Option<Split>| split.map_or_else(|| "?".into(), |split| split.to_string());
            let (says, asked) = (text(split.observed), text(split.desired));
            return vec![
                format!("DRIFT: the router says {says}, asked was {asked}"),
                "yes accepts what the router says as what is wanted from now on".into(),
            ];
        }
        let mut lines = vec!["the plan goes on from where it was paused; no traffic moves by this".to_owned()];
        if self.status.step.auto {
            lines.push("it is walked unattended: the next step is taken once gates pass and the bake is over".into());
        }
        lines
    }

    /// The share of `side` as read from the router, in percent; `?` before the first reading.
    fn share(&self, side: Side) -> String {
        self.status.split.observed.map_or_else(|| "?".into(), |split| split.share(side).to_string())
    }

    fn moves(&self, split: Split) -> String {
        let part = |side: Side| format!("{} {}% > {}%", self.named(side), self.share(side), split.share(side));
        let side = self.status.candidate;
        format!("{}, {}", part(side), part(side.other()))
    }
}

/// What happens to traffic when a plan that runs without confirmation fails.
pub(crate) const fn on_failure(status: &Status) -> &'static str {
    match status.step.on_failure {
        OnFailure::Pause => "it stops and waits for a person",
        OnFailure::Abort => "all traffic goes to the live side",
        OnFailure::Rollback => "all traffic goes back",
    }
}

/// The split that `command` asks for; `None` if it moves no traffic, or no step is left.
pub fn target(command: &Command, status: &Status) -> Option<Split> {
    match command {
        Command::Promote => status.step.next.map(|next| Split::toward(status.candidate, next)),
        Command::Switch => Some(Split::all(status.candidate)),
        Command::Abort => Some(Split::all(status.candidate.other())),
        Command::Rollback => Some(Split::all(status.rollback.to)),
        _ => None,
    }
}

/// The same command on the command line; `None` if only a console can do it.
pub(crate) fn cli_twin(command: &Command, status: &Status) -> Option<String> {
    let (verb, expect) = (command.verb(), &status.digest);
    Some(match command {
        Command::Promote if status.step.next.is_some() => {
            format!("cutover promote --to-step {} --expect {expect} --yes", status.step.index + 1)
        }
        Command::Promote | Command::Switch | Command::Abort | Command::Resume | Command::Retry | Command::Finalize => {
            format!("cutover {verb} --expect {expect} --yes")
        }
        Command::Override { gate, .. } | Command::Approve { gate, .. } => {
            format!("cutover {verb} {gate} --reason \"..\" --expect {expect} --yes")
        }
        Command::Rollback => "cutover rollback --yes".into(),
        Command::Pause | Command::RunGates { .. } | Command::Note { .. } => format!("cutover {verb}"),
        Command::Auto { .. } | Command::TakeOver => return None,
    })
}

/// `4s` for 3.8 seconds, `1s` for shorter times.
pub(crate) fn about(seconds: f64) -> String {
    format!("{}s", seconds.ceil().max(1.0))
}

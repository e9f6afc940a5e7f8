//! The lines of a box: shares now and after, gates, capacity, the way back, the exact request.

use std::fmt::Write as _;

use super::boxed::{LABEL, Line, Rank, labelled, wrap};
use crate::dialogue::Words;
use crate::domain::{Measure, Move, Side};
use crate::engine::snapshot::{EventLine, GateState, GateStatus, GuardStatus, Status};
use crate::engine::{Command, Phase, Snapshot, words};
use crate::ui::Keymap;
use crate::ui::actions::Act;
use crate::ui::draw::canvas::{side_role, version_name};
use crate::ui::draw::gates::in_unit;
use crate::ui::draw::rollback::speed;
use crate::ui::text::{age, fit, millis, percent, rate, width};
use crate::ui::theme::Role;

/// Overridden gates that are named; of more only the number is shown.
const OVERRIDDEN_TOLD: usize = 3;
/// Guards over their limit that are shown.
const GUARDS_TOLD: usize = 2;

/// A gate's value and its limit: `10.0%, at least 95.0%   `; empty where the gate measures no value.
pub(super) fn measured(gate: &GateStatus) -> String {
    let (Some(value), Some(limit)) = (gate.value, gate.limit) else { return String::new() };
    let bound = if gate.at_least { "at least" } else { "at most" };
    format!("{}, {bound} {}   ", in_unit(value, &gate.unit, false), in_unit(limit, &gate.unit, true))
}

/// A guard's value in its unit.
fn amount(guard: &GuardStatus, value: f64) -> String {
    match guard.metric.measure() {
        Measure::Errors | Measure::Drop => percent(value),
        Measure::Latency(_) => millis(value, " "),
        Measure::Level => crate::domain::in_unit(value, &guard.unit),
    }
}

/// What lines are made from: the state, how old it is, and how wide they may be.
pub(super) struct Facts<'a> {
    /// The newest reading of the state.
    pub seen: &'a Snapshot,
    /// Seconds since it was read.
    pub elapsed_s: f64,
    /// Columns a line may take.
    pub room: usize,
    /// What the keys are.
    pub keymap: &'a Keymap,
}

impl Facts<'_> {
    fn status(&self) -> &Status {
        &self.seen.status
    }

    /// Words about the state, with names that `cut` makes short enough.
    pub(super) fn words<'b>(&'b self, cut: &'b dyn Fn(&str) -> String) -> Words<'b> {
        Words::new(self.status(), cut)
    }

    /// What `command` will do, line by line.
    pub(super) fn effect(&self, command: &Command) -> Vec<Line> {
        let lines = self.words(&|name| fit(name, 24)).effect(command);
        let lines = lines.iter().flat_map(|line| wrap(line, self.room));
        lines.map(|part| Line::plain(part, Rank::Fact)).collect()
    }

    fn labelled(&self, label: &str, text: &str, role: Role, rank: Rank) -> Vec<Line> {
        labelled(label, text, role, rank, self.room)
    }

    /// `PROD fraud-scorer   gates 6 PASS 1 RUN 0 FAIL   data 1s   state a1c9`; in two lines where one is too short.
    pub(super) fn banner(&self) -> Vec<Line> {
        let status = self.status();
        let text = format!(
            "{} {}   gates {}   data {}   state {}",
            status.environment.to_uppercase(),
            fit(&status.service, 24),
            self.counts(),
            self.data(),
            status.digest
        );
        let text = text.trim_start();
        if width(text) <= self.room {
            return vec![Line::plain(text, Rank::Fact)];
        }
        let mut lines = self.place();
        lines.extend(self.labelled("gates", &self.counts(), Role::Text, Rank::Fact));
        lines
    }

    /// Where this is, without the gates: `PROD fraud-scorer   data 1s   state a1c9`.
    pub(super) fn place(&self) -> Vec<Line> {
        let status = self.status();
        let text = format!(
            "{} {}   data {}   state {}",
            status.environment.to_uppercase(),
            fit(&status.service, 24),
            self.data(),
            status.digest
        );
        vec![Line::plain(text.trim_start(), Rank::Fact)]
    }

    /// The service and its environment.
    pub(super) fn endpoint(&self) -> Vec<Line> {
        let status = self.status();
        let text = format!("{}   {}", fit(&status.service, 24), status.environment.to_uppercase());
        self.labelled("endpoint", text.trim_end(), Role::Text, Rank::Fact)
    }

    fn data(&self) -> String {
        self.status().data_age_s.map_or_else(|| "?".into(), |s| age(s + self.elapsed_s))
    }

    fn counts(&self) -> String {
        let gates = &self.status().gates;
        if gates.is_empty() {
            return "none".into();
        }
        let n = |state| gates.iter().filter(|gate| gate.status == state).count();
        let mut text =
            format!("{} PASS {} RUN {} FAIL", n(GateState::Passed), n(GateState::Running), n(GateState::Failed));
        let others = [
            (GateState::Pending, "WAIT"),
            (GateState::NotYet, "NYET"),
            (GateState::Stale, "STALE"),
            (GateState::Overridden, "OVERRIDDEN"),
        ];
        for (state, word) in others.into_iter().filter(|(state, _)| n(*state) > 0) {
            let _ = write!(text, " {} {word}", n(state));
        }
        text
    }

    /// The number of gates in each state, and the overridden ones by name, with who and why.
    pub(super) fn gates(&self) -> Vec<Line> {
        let mut lines = self.labelled("gates", &self.counts(), Role::Text, Rank::Fact);
        lines.extend(self.overridden());
        lines
    }

    /// Overridden gates by name, with who and why, and the failed ones.
    pub(super) fn overridden(&self) -> Vec<Line> {
        let of = |state: GateState| self.status().gates.iter().filter(move |gate| gate.status == state);
        let over: Vec<&GateStatus> = of(GateState::Overridden).collect();
        let told = over.iter().take(OVERRIDDEN_TOLD);
        let mut lines: Vec<Line> = told
            .flat_map(|gate| {
                let text = format!("{} OVERRIDDEN {}{}", fit(&gate.name, 24), measured(gate), gate.note);
                self.labelled("", &text, Role::Warn, Rank::Fact)
            })
            .collect();
        if let more @ 1.. = over.len().saturating_sub(OVERRIDDEN_TOLD) {
            lines.extend(self.labelled("", &format!("and {more} more overridden"), Role::Warn, Rank::Fact));
        }
        for gate in of(GateState::Failed).take(OVERRIDDEN_TOLD) {
            let need = if gate.required { "" } else { " (need not pass)" };
            let text = format!("{} FAIL{need}  {}{}", fit(&gate.name, 24), measured(gate), gate.note);
            lines.extend(self.labelled("", text.trim_end(), Role::Warn, Rank::Fact));
        }
        lines
    }

    /// Both versions and their shares, before and after `to` has `share` percent.
    pub(super) fn shares(&self, to: Side, share: u8, kept: &str) -> Vec<Line> {
        let observed = self.status().split.observed;
        let now = |side: Side| observed.map_or_else(|| "?%".into(), |split| format!("{}%", split.share(side)));
        let after = |side: Side| format!("{}%", if side == to { share } else { 100 - share });
        let room = (self.room.saturating_sub(LABEL + 12) / 2).clamp(8, 24);
        let name = |side: Side| fit(&format!("{} {}", side.title(), version_name(self.seen, side)), room);
        let columns = Side::BOTH.map(|side| width(&name(side))).into_iter().max().unwrap_or(0);
        let line = |label: &str, share: &dyn Fn(Side) -> String, end: &str| {
            let mut left = vec![(format!("{label:<LABEL$}"), Role::Dim)];
            for side in Side::BOTH {
                let pad = " ".repeat(columns - width(&name(side)));
                left.push((name(side), side_role(side)));
                let gap = if side == Side::Blue { "   " } else { "" };
                left.push((format!("{pad} {:>4}{gap}", share(side)), Role::Text));
            }
            if !end.is_empty() && LABEL + 2 * (columns + 5) + 6 + width(end) <= self.room {
                left.push((format!("   {end}"), Role::Text));
            }
            Line { left, right: String::new(), rank: Rank::Fact }
        };
        vec![line("now", &now, ""), line("after", &after, kept)]
    }

    /// Whether `to` can carry `share` percent, as far as is known: its ready replicas, and the most it has carried.
    pub(super) fn capacity(&self, to: Side, share: u8) -> Vec<Line> {
        let sides = &self.status().sides;
        let side = &sides[to];
        let ready = side.ready.map_or_else(|| "?".to_owned(), |n| n.to_string());
        let ready = format!("{to} {ready}/{} ready", side.replicas);
        let all = match (sides.blue.rps, sides.green.rps) {
            (None, None) => None,
            (blue, green) => Some(blue.unwrap_or(0.0) + green.unwrap_or(0.0)),
        };
        let points = self.seen.history[to].traffic.iter().flatten().map(|point| f64::from(point.rps));
        let most = points.chain(side.rps).fold(0.0, f64::max);
        let text = match all.map(|all| all * f64::from(share) / 100.0) {
            None => format!("unknown: {ready}, the router counts no traffic"),
            Some(next) if most < 0.05 => {
                format!("unknown: {ready}, carried nothing yet, gets {} rps", rate(next))
            }
            // Reason: rates are never quite steady; 5 % more than before is still proven.
            Some(next) if next > most * 1.05 => {
                format!("{ready}, carried {} rps, gets {}: not proven", rate(most), rate(next))
            }
            Some(next) => format!("{ready}, carried {} rps, gets {}", rate(most), rate(next)),
        };
        let full = side.ready == Some(side.replicas);
        self.labelled("capacity", &text, if full { Role::Text } else { Role::Warn }, Rank::Fact)
    }

    /// What warns against it: how the last attempt ended, and guards that are over their limit now.
    pub(super) fn warnings(&self) -> Vec<Line> {
        let status = self.status();
        let ended = matches!(status.phase, Phase::RolledBack | Phase::Aborted);
        let gave_up = |event: &&EventLine| event.ordered.is_some_and(Move::is_back);
        let last = self.seen.events.iter().rev().find(gave_up).filter(|_| ended);
        let mut lines = Vec::new();
        if let Some(last) = last {
            let text = format!("{}Z {} {}", last.at.format("%H:%M:%S"), last.by, last.text);
            lines.extend(self.labelled("last", &text, Role::Warn, Rank::Fact));
        }
        for guard in status.guards.iter().filter(|guard| guard.is_broken()).take(GUARDS_TOLD) {
            let value = guard.value.map_or_else(|| "?".into(), |value| amount(guard, value));
            let limit = amount(guard, guard.bound.limit);
            let text = format!(
                "{} of {} {value}, {} {limit}, {} of {} in a row",
                guard.name(),
                guard.side,
                words::bound(guard),
                guard.breaches,
                guard.consecutive
            );
            lines.extend(self.labelled("guard", &text, Role::Warn, Rank::Fact));
        }
        lines
    }

    /// The way back, and how long it lasts once `to` has `share` percent.
    pub(super) fn undo(&self, share: u8) -> Vec<Line> {
        let way = &self.status().rollback;
        if !way.ready {
            let text = format!("NOT READY: {}", way.because.as_deref().unwrap_or("no way back"));
            return self.labelled("undo", &text, Role::Fail, Rank::Fact);
        }
        let time = speed(way, self.status().time);
        let lasts = match way.window_s {
            _ if share < 100 => String::new(),
            s if s > 0.0 => format!(", for {} after it", age(s)),
            _ => ", until it is finalized".into(),
        };
        self.labelled("undo", &format!("{} y, {time}{lasts}", self.keymap.name(Act::Rollback)), Role::Text, Rank::Fact)
    }

    /// What consent is bound to.
    pub(super) fn state(&self) -> Vec<Line> {
        let text =
            format!("{}   data {}   any change to gates, split or versions cancels", self.status().digest, self.data());
        self.labelled("state", &text, Role::Text, Rank::Fact)
    }

    /// The exact request that will be sent for `verb`, with secrets masked.
    pub(super) fn request(&self, verb: &str) -> Vec<Line> {
        let Some((target, lines)) = self.seen.previews.get(verb).and_then(|lines| lines.split_first()) else {
            return self.labelled("request", "not known: the router was not read", Role::Warn, Rank::Fact);
        };
        let (first, rest) = lines.split_first().map_or(("", lines), |(first, rest)| (first.as_str(), rest));
        let mut out = self.labelled("request", &format!("{first}  to {target}"), Role::Text, Rank::Fact);
        for (at, line) in rest.iter().enumerate() {
            let rank = if at + 1 == rest.len() { Rank::Fact } else { Rank::Extra };
            out.extend(self.labelled("", line, Role::Text, rank));
        }
        out
    }

    /// The line for a command that sends no request to the router.
    pub(super) fn no_request(&self, what: &str) -> Vec<Line> {
        self.labelled("request", &format!("none to the router: {what}"), Role::Text, Rank::Extra)
    }
}

//! The screen: view state, keys, theme, widgets. Pure: no clock, no I/O, no tasks.
//!
//! [`View::update`] is the only thing that changes what is shown; it answers with [`Action`]s for the loop to carry out.
//! [`draw()`] makes a frame from the view and a moment and changes nothing. Time comes in as milliseconds of one
//! monotonic clock. What the view knows of the rollout is the engine's [`Snapshot`](crate::engine::Snapshot), what it
//! asks for is an engine [`Request`](crate::engine::Request): nothing else crosses that line.
//!
//! A loop drives it like this: hand every input to `update` and carry out its actions; when [`View::is_dirty`], draw
//! into a fresh buffer, say [`Input::Drawn`], write the frame, and say [`Input::Flushed`] once it has left for the
//! terminal, with one frame on its way at a time (prompts count keys from there); sleep until the next input or
//! [`View::next_deadline`], and then say [`Input::Tick`].
//!
//! The laws of the keys live here: lower case looks, Shift acts, Enter and Space never confirm, the key that opens a
//! prompt is dead in it, paste never acts, forward prompts are bound to the state digest and armed only after they were
//! seen, and rollback is two keys from anywhere (see [`view::prompt`]).

pub(crate) mod actions;
pub mod draw;
pub(crate) mod glyphs;
pub(crate) mod input;
pub(crate) mod keymap;
pub(crate) mod text;
pub(crate) mod theme;
pub(crate) mod view;

pub use draw::draw;
pub use glyphs::Glyphs;
pub use input::{Action, Code, Input, Key};
pub(crate) use input::{Replay, Seek};
pub use keymap::Keymap;
pub use theme::{Depth, Theme};
pub use view::{Options, View};

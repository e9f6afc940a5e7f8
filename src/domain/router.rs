//! Traffic systems as a config describes them: plain data, one file a system.

pub mod hook;

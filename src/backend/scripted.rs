//! A scripted in-memory traffic system, for tests.

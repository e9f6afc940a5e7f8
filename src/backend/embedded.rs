//! The embedded gateway as a backend: speaks to its admin interface.

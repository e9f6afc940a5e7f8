//! Reports of made-up journals.

//! A run whose files have changed since it was begun.

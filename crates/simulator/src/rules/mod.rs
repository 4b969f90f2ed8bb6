//! Owns arithmetic: billing periods, proration, what each test card does.
//! Never touches state. Start at `proration.rs`.

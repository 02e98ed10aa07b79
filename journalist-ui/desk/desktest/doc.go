// Package desktest helps tests to work with real desks and real parcels.
//
// Its homes are made by [desk.Create], its parcels by a real vault. One thing is
// changed afterwards, by plain OpenPGP as FORMAT.md of package desk describes it:
// the key is locked again with an Argon2id that takes milliseconds, so that a
// hundred unlocks fit into a test. It is imported by tests only.
package desktest

// Package vaulttest helps tests to work with real keys and real stores.
//
// Nothing in it is a mock: its keys are OpenPGP keys, its vaults are bbolt
// files in the test's own folder, and a test that uses it exercises the code
// that runs in production. It is imported by tests and benchmarks only.
package vaulttest

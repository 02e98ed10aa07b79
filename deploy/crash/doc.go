// Package crash kills the real server, at random moments and at every call that
// changes a file of its home, starts it again, and holds what it finds against
// what the world outside was told: what was acknowledged is there and opens to
// the same bytes, what was not is whole or absent, what was deleted is gone with
// its key, the log continues, a return parcel counts once, and no slot is lost or
// used twice. It does the same to what an admin runs beside it: init, backup,
// restore, vault verify.
//
// It lets calls fail instead, fills the disk, takes the home away and deletes it: the
// source gets a clear page and the admin a clear word, nothing that was acknowledged
// is lost, and the server goes on by itself or says why it ends.
//
// Nothing in the server knows of it: package trace drives it from outside.
//
//	make crash                                     at least 2,000 kills
//	SOURDINE_KILLS=100 go test -tags crash ./deploy/crash
//
// A fault is named by operation, step and mode, which the test's own name has;
// it, and the seed that the log prints first (SOURDINE_CRASH_SEED), do it again.
//
// It needs Linux on amd64 and root, who may trace a server that forbids it.
package crash

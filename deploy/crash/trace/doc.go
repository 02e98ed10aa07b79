// Package trace runs a program under ptrace, counts the system calls by which it
// changes the files of one folder, over all of its threads together, and does
// harm at one of them: kills the program before or after it, tears a write, cuts
// the power, or lets the call fail.
//
// The traced program is the one that runs in production and knows nothing of it.
// (strace counts each thread for itself, and a Go program changes threads as it
// likes: it cannot be told to stop at the program's N-th write.)
//
// A power cut is a kill that also takes back, from the files, what the program
// had not synced by then: pages of pwrites, lengths, and the last changes of
// names, in a mixture that a seed decides. It knows nothing of what a disk does
// to pages that were not being written.
//
// It is for tests, on Linux on amd64, as root: the server forbids everyone else
// to look into it.
package trace

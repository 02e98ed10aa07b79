// Package sandbox shuts a process in before it reads bytes from a source
// (promise 8: a hostile document stays harmless).
//
// After Enter the process, on all its threads and for good, can do arithmetic,
// read and write the descriptors 0, 1 and 2 that it was started with, get and
// give back a bounded amount of private memory, start threads of its own, and end. It can
// open no file and no socket, make no descriptor of any kind, start no program,
// make no process, map nothing executable, signal nobody but itself, and change
// no setting of its own.
//
// Two independent walls stand behind each other, and Enter refuses when either
// cannot be had: Landlock without a single path (Linux 5.13), and a list of the
// few system calls that Go's runtime needs. Resource limits stop what is allowed
// from being done without end.
//
// It promises nothing against a flaw of the kernel in those few calls, or
// against side channels; and a process that has read the document may lie in
// all that it writes: whoever reads its output must check it.
package sandbox

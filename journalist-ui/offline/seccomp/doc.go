// Package seccomp writes and installs system call filters for the desk.
//
// It promises three things that a filter easily gets wrong, and that the
// libraries looked at for this project did get wrong:
//
//   - a system call made under another calling convention (i386 on amd64, x32,
//     32-bit ARM), where the same numbers mean other calls, ends the process
//     instead of slipping past a list of refused calls;
//   - the filter covers every thread of the process or Install reports an
//     error: seccomp(2) answers a thread id, not an error number, when one
//     thread could not be synchronised;
//   - no_new_privs is set on the very thread that installs the filter.
//
// It does not look behind pointers (no filter can), it knows amd64 and arm64
// only, and it never removes a filter (the kernel allows no such thing).
package seccomp

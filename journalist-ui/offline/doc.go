// Package offline keeps the desk off every network (promise 7: the desk never
// goes online: it dials nothing, and cannot).
//
// Every desk command calls Seal before it does anything else; the one that
// shows pages calls Listen first. From Seal on, for all threads, for all
// programs started, and for good:
//
//   - no socket of any kind can be made (internet, raw, packet, netlink, and
//     also unix: a unix socket may lead to a resolver or a proxy), nor an old
//     one connected, bound or told to send to an address; only an anonymous
//     socketpair can be had, which leads nowhere;
//   - io_uring, which does these things unseen by a filter, is absent;
//   - no other process can be traced, read, written or asked for its sockets;
//   - nothing can be typed or pasted into the terminal, where a shell outside
//     the seal would read it, nor can the kernel's key service be used, which may
//     start a program that looks a name up;
//   - no core file is written and no process of the same user may look inside
//     (plaintext of a source is in our memory).
//
// What goes on working: a listener that Listen opened, files, child processes.
// A browser started by the sealed desk is sealed as well and could not even
// reach the desk: the reviewer opens it.
//
// What this does not promise: it cannot hold back a desk that runs as root
// from the machine's devices (a tunnel device is a file), it does not switch
// off the network for other programs, and it does not empty swap.
//
// Seal fails closed: where the kernel cannot give the walls it returns an
// error, and the program must stop.
package offline

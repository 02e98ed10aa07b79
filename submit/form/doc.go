// Package form reads the body of a multipart/form-data form (RFC 7578) part by
// part, in the pieces its caller asks for, and never holds more than a part's
// header (promise 1).
//
// It takes the place of mime/multipart for two reasons. That package hands out
// at most 4 KiB at a time, which costs a third of the processor time of an
// upload; and it takes some bodies that were cut off for whole ones, and up to
// 10 MiB for one header. This one accepts what browsers, curl and Go's own
// writer send, and nothing else: no preamble, no folded header lines, and no
// end of the body before its closing boundary.
//
// It sets no bound on the length of the body, or the number of parts, or the
// time a part takes: its caller does.
package form

// Package unsealtest cuts payloads as a hostile server would: at the edges of
// what OpenPGP authenticates, and framed anew, so that nothing but the missing
// end tells. It is imported by tests only.
package unsealtest

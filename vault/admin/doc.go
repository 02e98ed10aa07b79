// Package admin is what the admin of a server can do, whether the server runs
// or not.
//
// [Local] does it on an open vault. While `sourdine serve` holds the vault it
// offers its Local on the control socket in the home; [Connect] gives other
// commands the same operations there, so both ways run the same code.
//
// It promises that a home comes into being whole or not at all, and only
// through [Create]; that its files are readable by their owner only; that the
// control socket answers nobody else.
//
// A return parcel is applied in one transaction or not at all, and once. What its
// reviewer may do is decided by the rosters as they are now, not by the parcel;
// a desk that was shown another log is refused, and the proof is kept. A home that
// [Restore] made says in its log that it goes on from a backup, before anybody can
// see it.
//
// What the disk refuses or cannot read, and what is not the file that it was,
// [Local.Status] says in plain sentences. What can be ended later [Local.Upkeep]
// ends, as soon as the disk lets it.
//
// It holds no key that opens a submission (promise 2): the vault's key signs
// parcels, the onion keys name the sites.
package admin

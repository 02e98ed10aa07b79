// Package order is what a reviewer orders: the signed heart of a return parcel,
// and the server's signed answer to it.
//
//	return.json      a [Return]: acknowledgements, opened marks, replies and
//	                 new envelopes, for one server, in sequence
//	deletions.json   [Deletions], when there are any: return.json names them
//	….asc            the reviewer's detached OpenPGP signature over each
//	applied note     an [Applied]: what the server did with it, under its own key
//
// What it promises:
//
//   - There is one spelling of an order: [Decode] refuses whatever [Return.Encode]
//     would write otherwise, so that what was signed is what is understood.
//   - The proof of a deletion that others get to see ([Signed.Proof]) tells nothing
//     of what else was ordered, and proves nothing for another server, reviewer or
//     order: deletions are signed apart.
//   - [Verify] and [VerifyDeletions] understand nothing before the signature
//     holds, and it holds only under the key of the reviewer whom the order names,
//     neither expired nor revoked, over a strong hash, as one binary signature with
//     nothing around it.
//   - [Sign] returns only what they accept.
//   - Everything is bounded, and the texts of errors are this package's own:
//     nothing of what was read stands in them but a version or a day.
//
// What it does not promise: that an order is allowed, fresh or in sequence.
// That is for the server, which knows rosters and what it applied before.
//
// FORMAT.md beside this file is enough to write another program from.
package order

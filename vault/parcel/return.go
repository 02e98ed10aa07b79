package parcel

import (
	"bytes"
	"errors"
	"fmt"

	"sourdine/vault/order"
)

// A return parcel (desk to server) is a plain tar, like an outbound one:
//
//	return.json         what the reviewer orders: package order
//	return.json.asc     the reviewer's signature over it
//	deletions.json      what the reviewer orders to delete, when there is any
//	deletions.json.asc  the reviewer's signature over it
//	replies/N.pgp       the sealed replies, N from 1
//	envelopes/ID.pgp    the new envelopes
//
// There is one parcel, byte by byte, for an order, its signature and its files:
// a reader takes no other.
const (
	returnName      = "return.json"
	deletionsName   = "deletions.json"
	signatureSuffix = ".asc"
)

// Errors that callers branch on, besides those of package order.
var (
	// ErrReturnAltered: the tar or a file in it is not what the order says.
	ErrReturnAltered = errors.New("the return parcel differs from what the reviewer signed")
	// ErrReturnTruncated: the return parcel ends too early.
	ErrReturnTruncated = errors.New("the return parcel is cut off")

	errNotReturn = errors.New("the file is not a Sourdine return parcel")
	errOutbound  = errors.New("the parcel is one from a server to a desk, not a return parcel")
)

// A ReturnFile is one of an order's files: a reply or a new envelope.
type ReturnFile struct {
	Reply    *order.Reply    // nil for an envelope
	Envelope *order.Envelope // nil for a reply
}

// Name is the file's name in the tar.
func (f ReturnFile) Name() string {
	if f.Reply != nil {
		return fmt.Sprintf("replies/%d.pgp", f.Reply.N)
	}
	return "envelopes/" + f.Envelope.ID + ".pgp"
}

func (f ReturnFile) sealed() Sealed {
	if f.Reply != nil {
		return Sealed{Size: f.Reply.Size, SHA256: f.Reply.SHA256}
	}
	return Sealed{Size: f.Envelope.Size, SHA256: f.Envelope.SHA256}
}

// ReturnFiles lists an order's files as they stand in the parcel: the replies,
// then the envelopes.
func ReturnFiles(o *order.Return) []ReturnFile {
	files := make([]ReturnFile, 0, len(o.Replies)+len(o.Envelopes))
	for i := range o.Replies {
		files = append(files, ReturnFile{Reply: &o.Replies[i]})
	}
	for i := range o.Envelopes {
		files = append(files, ReturnFile{Envelope: &o.Envelopes[i]})
	}
	return files
}

// returnHeader is the one header of a file of that name and size.
func returnHeader(name string, size int64) ([]byte, error) {
	return tarHeader(tarFile{name: name, size: size})
}

// isZero reports whether b holds nothing, as padding and the end mark do.
func isZero(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }

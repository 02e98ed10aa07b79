package witness

import (
	"bytes"
	"errors"
	"time"

	"sourdine/vault/order"
	"sourdine/vault/translog"
)

// MaxOrder is the largest signed order to delete, in bytes, with its signature.
const MaxOrder = order.MaxProof

// A signed order is kept as the vault sends it: deletions.json, which is one
// line, and its armored signature. It is named by the SHA-256 of deletions.json.
func orderFile(sum string) string { return ordersName + "/" + sum + ".txt" }

// An inquiry judges deletions, and remembers the orders that it verified: one
// may be behind thousands.
type inquiry struct {
	book  *Book
	known map[orderUse]ordered
}

// An orderUse is all of a deletion that says whether its order may be used.
type orderUse struct{ sum, by, channel, day string }

// ordered is what an order deletes, or what is wrong with it.
type ordered struct {
	deletes map[string]bool // ids, of the channel
	wrong   Kind
	cause   error
}

// knownOrders bounds what an inquiry remembers: an order takes up to 100,000 ids.
const knownOrders = 16

func (b *Book) inquire() *inquiry { return &inquiry{book: b, known: map[orderUse]ordered{}} }

// order says what is wrong with the order behind a deletion, or "".
func (q *inquiry) order(d translog.Deletion) (Kind, error) {
	use := orderUse{d.Order, d.By, d.Channel, d.Day}
	o, ok := q.known[use]
	if !ok {
		if len(q.known) >= knownOrders {
			clear(q.known)
		}
		o = q.book.readOrder(use)
		q.known[use] = o
	}
	if o.wrong == "" && !o.deletes[d.ID] {
		return OrderElsewhere, nil
	}
	return o.wrong, o.cause
}

func (b *Book) readOrder(use orderUse) ordered {
	file, err := read(b.fs, orderFile(use.sum), MaxOrder)
	if err != nil {
		return ordered{wrong: OrderMissing}
	}
	return b.judgeOrder(file, use)
}

// judgeOrder asks of an order that the reviewer whom the log names signed it,
// for this vault, as a reviewer of the channel on that day. The cause is what
// package order says of the signature.
func (b *Book) judgeOrder(file []byte, use orderUse) ordered {
	raw, signature, _ := bytes.Cut(file, []byte("\n"))
	if sumOf(raw) != use.sum {
		return ordered{wrong: OrderMissing} // damaged on this disk
	}
	vaultKey, reviewer, err := order.NamesOfDeletions(raw)
	switch {
	case err != nil:
		return ordered{wrong: OrderSignature, cause: err}
	case vaultKey != b.vaultKey:
		return ordered{wrong: OrderOtherVault}
	case reviewer != use.by:
		return ordered{wrong: OrderOtherSigner}
	}
	signed, wrong, cause := b.verifyOrder(raw, signature, use)
	o := ordered{wrong: wrong, cause: cause, deletes: map[string]bool{}}
	if wrong == "" {
		for _, d := range signed.List {
			o.deletes[d.ID] = d.Channel == use.channel
		}
	}
	return o
}

// verifyOrder verifies under the certificates that the rosters of that day have.
func (b *Book) verifyOrder(raw, signature []byte, use orderUse) (*order.Deletions, Kind, error) {
	day, err := time.Parse(time.DateOnly, use.day)
	if err != nil {
		return nil, OrderSignature, err
	}
	wrong, cause := OrderNotAllowed, error(nil)
	for _, roster := range b.rostersOn(use.channel, use.day) {
		if !isMember(roster, use.by) {
			continue
		}
		wrong = OrderSignature
		certificate, missing := b.certificateOf(roster, use.by)
		if missing != "" {
			cause = errors.New(sentences()[missing].says)
			continue
		}
		var signed *order.Deletions
		signed, cause = order.VerifyDeletions(raw, signature, certificate, day.Add(24*time.Hour-time.Second))
		if cause == nil {
			return signed, "", nil
		}
	}
	return nil, wrong, cause
}

func (b *Book) certificateOf(roster translog.Roster, fingerprint string) ([]byte, Kind) {
	members, wrong := b.readersOf(roster)
	if wrong != "" {
		return nil, wrong
	}
	for _, m := range members {
		if m.fingerprint == fingerprint {
			return m.certificate, ""
		}
	}
	return nil, RosterMembersDiffer
}

package desk

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"sourdine/vault/order"
)

// A signed order and its receipt are a file each (FORMAT.md, section 11):
//
//	returns/N.json   the order with sequence N, signed
//	returns/N.note   the server's receipt for N
//
// What became void when the server was restored is void.go's.
const (
	returnsName   = "returns"
	orderSuffix   = ".json"
	receiptSuffix = ".note"

	maxReturnFile = 2 * (order.MaxReturn + order.MaxDeletions + 2*order.MaxSignature) // bytes; base 64 takes 4/3
)

// A signed order is what a return parcel says. Once written it is never changed:
// the parcel that it makes is the same, byte by byte, as often as it is made.
type signedOrder struct {
	Sequence  uint64 `json:"sequence"`
	Day       string `json:"day"` // by this desk's clock, UTC
	Return    []byte `json:"return"`
	Signature []byte `json:"signature"`
	// These two are there when something is to be deleted.
	Deletions          []byte `json:"deletions,omitempty"`
	DeletionsSignature []byte `json:"deletions_signature,omitempty"`

	order     *order.Return
	deletions []order.Deletion
}

func (o signedOrder) digest() string {
	sum := sha256.Sum256(o.Return)
	return hex.EncodeToString(sum[:])
}

// signed are the first files of its parcel.
func (o signedOrder) signed() order.Signed {
	return order.Signed{Return: o.Return, ReturnSignature: o.Signature, Deletions: o.Deletions, DeletionsSignature: o.DeletionsSignature}
}

// open decodes what was signed.
func (o *signedOrder) open() (err error) {
	o.order, o.deletions, err = o.signed().Open()
	return err
}

// A history is all that was signed here, and what the server answered.
type history struct {
	orders   []signedOrder // by sequence
	receipts []order.Applied
	last     uint64 // sequence that was used, here or by a copy of this home

	cuts []cut         // of restorations of the server
	void []signedOrder // by sequence; what they have is to be said again

	// What an order has that the server applied, or that is still on its way.
	acknowledged map[string]string // id to day
	opened       map[string]bool
	deletions    map[string]bool // still on their way only
	replies      map[string]bool // SHA-256
	// Of new envelopes, those that it refused are not there.
	envelopes map[string]uint64 // id to epoch
	refused   map[string]bool   // SHA-256 of envelopes that the server refused
}

// history reads the folder. A file that is damaged is an error: who signs a
// sequence twice signs two orders of which the server takes one.
func (d *Desk) history() (*history, error) {
	h := &history{acknowledged: map[string]string{}, opened: map[string]bool{}, deletions: map[string]bool{}, replies: map[string]bool{},
		envelopes: map[string]uint64{}, refused: map[string]bool{}}
	entries, err := os.ReadDir(d.path(returnsName))
	if errors.Is(err, fs.ErrNotExist) {
		return h, nil
	}
	if err != nil {
		return nil, fmt.Errorf("failed to look into the home: %w", err)
	}
	vaultKey, err := d.VaultKey()
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if err := h.read(d.path(returnsName), e.Name(), vaultKey); err != nil {
			return nil, fmt.Errorf("the home's %s/%s: %w", returnsName, e.Name(), err)
		}
	}
	slices.SortFunc(h.orders, func(a, b signedOrder) int { return cmp.Compare(a.Sequence, b.Sequence) })
	slices.SortFunc(h.receipts, func(a, b order.Applied) int { return cmp.Compare(a.Sequence, b.Sequence) })
	cuts, err := d.cuts()
	if err != nil {
		return nil, err
	}
	h.setAside(cuts)
	for _, o := range h.orders {
		h.count(o)
	}
	return h, nil
}

func (h *history) read(folder, name, vaultKey string) error {
	number, suffix := name, filepath.Ext(name)
	number = strings.TrimSuffix(number, suffix)
	sequence, err := strconv.ParseUint(number, 10, 64)
	if err != nil || strconv.FormatUint(sequence, 10) != number {
		return nil // a file that was being written
	}
	raw, err := readFile(filepath.Join(folder, name), maxReturnFile)
	if err != nil {
		return err
	}
	h.last = max(h.last, sequence)
	switch suffix {
	case orderSuffix:
		o := signedOrder{}
		if err := json.Unmarshal(raw, &o); err != nil {
			return errors.New("it is damaged: restore it from a copy")
		}
		if err := o.open(); err != nil || o.Sequence != sequence || o.order.Sequence != sequence {
			return errors.New("it is damaged: restore it from a copy")
		}
		h.orders = append(h.orders, o)
	case receiptSuffix:
		a, err := order.OpenApplied(raw, vaultKey)
		if err != nil {
			return err
		}
		h.receipts = append(h.receipts, *a)
	}
	return nil
}

// receiptOf returns the server's receipt for an order, if it came.
func (h *history) receiptOf(o signedOrder) (order.Applied, bool) {
	i := slices.IndexFunc(h.receipts, func(a order.Applied) bool { return a.Sequence == o.Sequence && a.Order == o.digest() })
	if i < 0 {
		return order.Applied{}, false
	}
	return h.receipts[i], true
}

// pending returns the order that is on its way: the last one, unless the server
// answered it or went past it.
func (h *history) pending() (signedOrder, bool) {
	if len(h.orders) == 0 {
		return signedOrder{}, false
	}
	o := h.orders[len(h.orders)-1]
	past := slices.ContainsFunc(h.receipts, func(a order.Applied) bool { return a.Sequence >= o.Sequence })
	return o, !past
}

// count notes what an order has, unless it was never applied and never will be.
func (h *history) count(o signedOrder) {
	receipt, applied := h.receiptOf(o)
	last, waits := h.pending()
	onItsWay := waits && last.Sequence == o.Sequence
	if !applied && !onItsWay {
		return
	}
	for _, id := range o.order.Acknowledged {
		h.acknowledged[id] = o.Day
	}
	for _, id := range o.order.Opened {
		h.opened[id] = true
	}
	for _, r := range o.order.Replies {
		h.replies[r.SHA256] = true
	}
	for _, x := range o.deletions {
		h.deletions[x.ID] = onItsWay
	}
	h.countEnvelopes(o, receipt, applied)
}
